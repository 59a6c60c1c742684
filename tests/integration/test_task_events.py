"""Everything of one task, read from the topics of a real Kafka."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer

from aimesh import codec, dead_letters
from aimesh.core.feed import FeedEvent
from aimesh.core.tasks import State, fold
from aimesh.records import Line, Solution, Task, Verdict, now
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from aimesh.topics import CARRIES, layouts
from aimesh.views.tasks_reading import TaskEvents


class Mesh:
    """Topics of a mesh without workers, and what the observer would know of its tasks."""

    def __init__(self, kafka: str, producer: AIOKafkaProducer) -> None:
        self.settings = Settings(topic_prefix=f"t{uuid4().hex[:8]}.", partitions=2)
        self.brokers = Brokers(kafka)
        self._producer = producer
        self.states: dict[str, State] = {}

    async def open(self) -> None:
        """Create the topics."""
        admin = KafkaAdmin(self.brokers.bootstrap)
        await admin.start()
        await admin.ensure(layouts(self.settings), 1)
        await admin.close()

    async def tell(
        self,
        topic: str,
        record: Any,
        headers: dict[str, str] | None = None,
        timestamp_ms: int | None = None,
        at: str = "",
    ) -> None:
        """Send a record, and note what the observer notes of it."""
        name = self.settings.topic_prefix + topic
        pairs = [(key, text.encode()) for key, text in (headers or {}).items()]
        key = (getattr(record, "agent", "") or record.task_id).encode()
        sent = await self._producer.send_and_wait(
            name, codec.dumps(record), key, headers=pairs, timestamp_ms=timestamp_ms
        )
        data = orjson.loads(codec.dumps(record))
        event = FeedEvent(CARRIES[topic], at or now(), name, sent.partition, sent.offset, "", data)
        self.states[record.task_id] = fold(self.states.get(record.task_id), event)


async def test_a_tasks_events_are_read_with_where_they_stand(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        mesh = Mesh(kafka, producer)
        await mesh.open()
        for task_id in ("t1", "other"):
            for attempt in (1, 2):
                asked = Task(task=f"Do {task_id}", task_id=task_id, attempt=attempt)
                await mesh.tell("ai_topic", asked)
                done: dict[str, Any] = {
                    "task_id": task_id,
                    "task": "Do",
                    "attempt": attempt,
                    "solution": "1 / 0",
                }
                line = Line(type="event", agent="consumer", name="done", task_id=task_id, ts=now())
                await mesh.tell("ai_telemetry", line)
                await mesh.tell("ai_solutions", Solution(**done))
                verdict = Verdict(**done, verdict="failed", final=attempt == 2)
                await mesh.tell("ai_verified_solutions", verdict)
    found = await TaskEvents(mesh.brokers, mesh.settings).of(mesh.states["t1"])
    assert found.whole
    kinds = [event["kind"] for event in found.events]
    assert sorted(kinds) == sorted(["task", "line", "solution", "verdict"] * 2)
    assert {event["data"]["task_id"] for event in found.events} == {"t1"}
    assert [e["data"]["attempt"] for e in found.events if e["kind"] == "verdict"] == [1, 2]
    places = {(e["topic"], e["partition"], e["offset"]) for e in found.events}
    assert len(places) == 8
    refs = {p["ref"] for part in mesh.states["t1"]["attempts"].values() for p in part.values()}
    assert {f"{t}/{p}/{o}" for t, p, o in places if "telemetry" not in t} == refs


async def test_a_dead_letter_is_told_with_its_origin(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        mesh = Mesh(kafka, producer)
        await mesh.open()
        headers = dead_letters.headers(
            topic="ai_topic", partition=1, offset=7, timestamp=None, error_type="Rejected",
            error="the task has no text", carried={},
        )  # fmt: skip
        await mesh.tell("ai_dead_letters", Task(task="", task_id="bad"), headers)
    [event] = (await TaskEvents(mesh.brokers, mesh.settings).of(mesh.states["bad"])).events
    data = event["data"]
    assert event["kind"] == "dead_letter"
    assert (data["topic"], data["partition"], data["offset"]) == ("ai_topic", 1, 7)
    assert (data["error_type"], data["error"]) == ("Rejected", "the task has no text")


async def test_a_time_long_before_kafka_does_no_harm(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        mesh = Mesh(kafka, producer)
        await mesh.open()
        asked = Task(task="Add", task_id="odd")
        await mesh.tell("ai_topic", asked, timestamp_ms=1, at="1970-01-01T00:00:00.001Z")
        await mesh.tell("ai_solutions", Solution(task_id="odd", task="Add"), timestamp_ms=2)
    found = await TaskEvents(mesh.brokers, mesh.settings).of(mesh.states["odd"])
    assert [event["at"][:4] for event in found.events] == ["1970", "1970"]
