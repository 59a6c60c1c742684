"""Whatever anybody writes to the mesh's topics: it goes on, and every path answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from aimesh import topics
from aimesh.codec import dumps
from aimesh.core.telemetry import ERRORS_TOPIC, AgentMessage, DetailedError, queue_topic
from aimesh.dead_letters import PREFIX
from aimesh.records import (
    GovernorDecision,
    LagSample,
    Line,
    Review,
    Solution,
    StageReport,
    Task,
    Verdict,
)
from aimesh.services.kafka import KafkaAdmin
from aimesh.topics import DAY, Layout
from tests.mesh import Mesh, running_mesh, simple
from tests.worker import Worker

COUNT = 700
ENDLESS = re.compile(r"/stream$|^/ws/")
QUEUE = queue_topic("hostile")
RECORDS: dict[str, tuple[Any, ...]] = {
    topics.TASKS: (Task,),
    topics.SOLUTIONS: (Solution,),
    topics.VERDICTS: (Verdict,),
    topics.REVIEWS: (Review,),
    topics.TELEMETRY: (Line,),
    topics.GOVERNOR: (LagSample, StageReport, GovernorDecision),
    topics.DEAD_LETTERS: (Task,),
    QUEUE: (AgentMessage,),
    ERRORS_TOPIC: (DetailedError,),
}
# what lets more of a message be looked at than one wrong field would
WORDS = {
    "type": ("event", "lag", "stage", "decision"),
    "name": ("started", "done", "step_started", "step_ended"),
    "message_type": ("task", "result", "error", "cancel"),
    "agent": ("consumer", "reviewer"),
    "role": ("consumer", "reviewer"),
    "task_id": ("one", "two", "three"),
}
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 5, 2**63 - 1, 1e308, -0.5, "", "x" * 5000, "at noon", "\0\u202e",
    "2026-01-01T00:00:00Z", [], {}, [1, "a", None], {"a": {"b": [1]}},
    {"duration_s": "long", "tries": [1], "step": {}, "of": 5, "consumer.open": "many"},
    [{"name": 5, "ok": "yes", "since": "at noon"}],
)  # fmt: skip
BARE = (b"", b"\xff\xfe", b"null", b"[]", b"5", b'"x"', b"{", b"{}", b'{"task_id":{}}')
HEADERS = (
    ("traceparent", b"\xff"), ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
    ("kafka_dlt-original-topic", b"ai_topic"), ("kafka_dlt-original-partition", b"x"),
    ("kafka_dlt-original-offset", b"9" * 30), ("none", None),
)  # fmt: skip
# where a dead letter says that its message stood
PLACES = (
    (b"ai_topic", b"0", b"1"), (b"ai_topic", b"0", b"9" * 5000), (b"ai_topic", b"-1", b"\xff"),
)  # fmt: skip


class Hostile:
    """Makes up messages that are nearly, or not at all, what their topic carries."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def messages(self, count: int) -> Iterator[tuple[str, bytes, list[Any]]]:
        """Yield topics' names, values and headers."""
        pick = self._random
        for number in range(count):
            topic = list(RECORDS)[number % len(RECORDS)]
            value = pick.choice(BARE) if pick.random() < 0.1 else self._record(topic)
            headers: list[Any] = []
            if topic == topics.DEAD_LETTERS and pick.random() < 0.3:
                names = (f"{PREFIX}original-{part}" for part in ("topic", "partition", "offset"))
                headers = list(zip(names, pick.choice(PLACES), strict=True))
            elif pick.random() < 0.3:
                headers = pick.sample(HEADERS, 2)
            yield topic, value, headers

    def _record(self, topic: str) -> bytes:
        pick = self._random
        fields = list(pick.choice(RECORDS[topic]).__annotations__)
        # one wrong field in most of them: the first that is found wrong hides all others
        wrong = set(pick.sample(fields, pick.choice((1, 1, 1, 3, len(fields)))))
        return dumps({name: self._value(name, is_wrong=name in wrong) for name in fields})

    def _value(self, name: str, *, is_wrong: bool) -> Any:
        if is_wrong:
            return self._random.choice(VALUES)
        return self._random.choice(WORDS.get(name, (None,)))


async def tell(mesh: Mesh, seed: int) -> None:
    """Write hostile messages to all topics of a mesh."""
    admin = KafkaAdmin(mesh.kafka)
    await admin.start()
    await admin.ensure([Layout(mesh.topic(QUEUE), 1, DAY)], 1)
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=mesh.kafka) as producer:
        for topic, value, headers in Hostile(seed).messages(COUNT):
            await producer.send(mesh.topic(topic), value, headers=headers)


async def paths(worker: Worker) -> list[str]:
    """Return every path that can be read, with ids of what is there."""
    names: dict[str, list[str]] = {}
    for path, part, key in (
        ("mesh/tasks", "tasks", "task_id"), ("traces", "traces", "trace_id"),
        ("errors", "errors", "error_id"), ("agents", "agents", "agent_name"),
    ):  # fmt: skip
        body = await worker.get(f"/api/v1/{path}?limit=50")
        names[key] = [one[key] for one in body[part]] or ["none"]
    spec = await worker.get("/openapi.json")
    found = []
    for path, methods in spec["paths"].items():
        if "get" not in methods or ENDLESS.search(path):
            continue
        wanted = re.findall(r"\{(\w+)\}", path)
        known = [names[name] for name in wanted if name in names]
        for number in range(max(map(len, known), default=1)):
            made = path
            for name in wanted:
                values = names.get(name, ["none"])
                value = quote(values[number % len(values)], safe="")
                made = made.replace(f"{{{name}}}", value)
            found.append(made)
    return found


async def broken(worker: Worker) -> dict[str, str]:
    """Return the paths that are not answered as they should be, with what they answer."""
    found = {}
    async with aiohttp.ClientSession(worker.url) as http:
        for path in await paths(worker):
            async with http.get(path) as answer:
                if answer.status >= 500:
                    found[path] = await answer.text()
    return found


@pytest.mark.parametrize("seed", [1])
async def test_hostile_messages_on_every_topic_end_nothing_and_break_no_answer(
    kafka: str, tmp_path: Path, seed: int
) -> None:
    async with running_mesh(kafka, tmp_path, AIMESH_MEMORY="false") as mesh:
        worker = await mesh.start()
        await tell(mesh, seed)
        task_id = await worker.submit(simple(1)[0])
        assert [row.task_id for row in await mesh.archived([task_id])].count(task_id) == 1
        await worker.reviewed(task_id)
        assert await broken(worker) == {}
        log = worker.log.read_text(errors="replace")
        assert "Traceback" not in log, log[log.index("Traceback") :][:5000]
        await worker.wait("/api/v1/mesh/audit", lambda b: b["report"] and b["report"]["balanced"])
