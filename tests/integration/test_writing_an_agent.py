"""The agent in the documentation works as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from aimesh.services.kafka import KafkaAdmin
from aimesh.topics import FOREVER, Layout

PAGE = Path(__file__).parents[2] / "docs" / "writing-an-agent.md"
PARTITIONS = 2
REVIEWS = (
    {"task_id": "t1", "task": "Add", "solution": "def add(a, b): return a + b", "success": True},
    {"task_id": "t2", "task": "Fail", "solution": "1 / 0", "success": False},
    {"task_id": "t3", "task": "Empty", "solution": "", "success": True},
    {"task_id": "t4", "task": "Long", "solution": "pass\n" * 30, "success": True},
)  # fmt: skip


async def prepare(kafka: str) -> None:
    """Make what a mesh has made, with some reviews."""
    admin = KafkaAdmin(kafka)
    await admin.start()
    names = ("ai_reviews", "ai_dead_letters")
    await admin.ensure([Layout(name, PARTITIONS, FOREVER) for name in names], 1)
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for review in REVIEWS:
            key = str(review["task_id"]).encode()
            await producer.send_and_wait("ai_reviews", orjson.dumps(review), key=key)


async def first(kafka: str, topic: str, count: int) -> list[bytes]:
    """Wait for the first messages of a topic."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with asyncio.timeout(60), consumer:
        return [(await consumer.getone()).value or b"" for _ in range(count)]


async def test_the_agent_of_the_documentation_works(kafka: str, tmp_path: Path) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    program = tmp_path / "grader.py"
    program.write_text(code)
    await prepare(kafka)
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "AIMESH_PARTITIONS": str(PARTITIONS)}
    environ |= {"GRADER_DATA": str(tmp_path / "state")}
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), env={**os.environ, **environ}, stdout=log, stderr=log
        )
    try:
        letters = await first(kafka, "ai_dead_letters", 1)
        grades = [orjson.loads(value) for value in await first(kafka, "ai_grades", 2)]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 40) == 0, (tmp_path / "log").read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert {grade["task_id"]: grade["grade"] for grade in grades} == {
        "t1": "short and sweet",
        "t4": "thorough",
    }
    assert orjson.loads(letters[0])["task_id"] == "t3"
