"""The observer on a real Kafka: it finds everything, keeps it, and disturbs nobody."""

import asyncio
import shutil
import time
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aimesh.core.telemetry import ERRORS_TOPIC, queue_topic
from aimesh.telemetry import Telemetry
from tests.observing import observing, settled
from tests.telemetry import look
from tests.waiting import until


@pytest.fixture
def prefix() -> str:
    return f"obs-{uuid.uuid4().hex[:8]}."


async def write(kafka: str, topic: str, *values: bytes) -> None:
    """Write raw values into a topic."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def test_a_queue_that_nobody_named_is_found_within_ten_seconds(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    async with observing(kafka, prefix, tmp_path) as observer:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_topics([NewTopic(queue_topic("latecomer", prefix), 3, 1)])
        await admin.close()
        created = time.monotonic()
        await write(kafka, queue_topic("latecomer", prefix), b'{"source_agent": "someone"}')
        await until(lambda: "latecomer" in observer.tables.messages.queues, 20)
        assert time.monotonic() - created < 10
        assert observer.tables.messages.queues["latecomer"].waiting == 1


async def test_all_is_the_same_after_a_restart_and_after_its_disk_was_emptied(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    async with Telemetry(kafka, agent="planner", prefix=prefix) as telemetry:
        tasks = [telemetry.send_to_agent("writer", {"n": n}) for n in range(200)]
        for task in tasks[::2]:
            assert task is not None
            telemetry.reply(task, {"done": True}, failed=task.payload["n"] % 3 == 0)
        for n in range(50):
            telemetry.record_error_from_exception(TimeoutError(f"number {n}"))
    await write(kafka, queue_topic("writer", prefix), b"not json", b"\xff")
    async with observing(kafka, prefix, tmp_path) as observer:
        await settled(observer, 352)
        before = look(observer.tables)
        assert before["waiting"] == 100
        assert before["undecodable"][0] == 2
    async with observing(kafka, prefix, tmp_path) as observer:
        assert look(observer.tables) == before
    shutil.rmtree(tmp_path)
    async with observing(kafka, prefix, tmp_path) as observer:
        assert look(observer.tables) == before


async def test_what_came_while_it_was_away_is_found_later(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    async with (
        Telemetry(kafka, agent="planner", prefix=prefix) as telemetry,
    ):
        for n in range(3):
            task = telemetry.send_to_agent("writer", {"n": n})
            assert task is not None
            assert await telemetry.flush(20)
            async with observing(kafka, prefix, tmp_path) as observer:
                await settled(observer, 2 * n + 1)
                assert observer.tables.messages.tasks.waiting == 1
            telemetry.reply(task, {})
            assert await telemetry.flush(20)
        async with observing(kafka, prefix, tmp_path) as observer:
            await settled(observer, 6)
            assert observer.tables.messages.tasks.waiting == 0
            assert observer.tables.messages.tasks.ended_count == 3


async def test_it_has_groups_of_its_own_only(kafka: str, prefix: str, tmp_path: Path) -> None:
    await_groups = AIOKafkaAdminClient(bootstrap_servers=kafka)
    async with observing(kafka, prefix, tmp_path) as observer:
        await write(kafka, prefix + ERRORS_TOPIC, b'{"error_message": "x"}')
        await settled(observer, 1)
        await await_groups.start()
        groups = {name for name, *_ in await await_groups.list_consumer_groups()}
        await await_groups.close()
    own = {name for name in groups if name.startswith(prefix)}
    assert own == {f"{prefix}aimesh-telemetry", f"{prefix}aimesh-telemetry-copy"}


async def test_a_second_observer_takes_over_with_the_same_state(
    kafka: str, prefix: str, tmp_path: Path
) -> None:
    async with Telemetry(kafka, agent="planner", prefix=prefix) as telemetry:
        for n in range(50):
            telemetry.send_to_agent("writer", {"n": n})
    async with observing(kafka, prefix, tmp_path / "one") as first:
        await settled(first, 50)
        before = look(first.tables)
        waiting = asyncio.create_task(_take_over(kafka, prefix, tmp_path / "two"))
        await until(lambda: len(first.app.members()) == 2, 60)
        holder_left = first.ready
    after = await waiting
    assert after == before or not holder_left


async def _take_over(kafka: str, prefix: str, folder: Path) -> dict[str, object]:
    async with observing(kafka, prefix, folder) as second:
        return look(second.tables)
