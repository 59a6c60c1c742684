"""A mesh's topics with what a test writes into them: no worker runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from aimesh import dead_letters, topics
from aimesh.core.archive import ArchiveRow
from aimesh.core.epochs import Epoch
from aimesh.hops import app_id, hops
from aimesh.services.archive import Archive
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from aimesh.topics import FOREVER, Layout

STEPS = (topics.TASKS, topics.SOLUTIONS, topics.VERDICTS, topics.REVIEWS)
PARTITIONS = 2


@dataclass
class CraftedMesh:
    """Topics under a prefix of their own, and an archive in a folder of its own."""

    kafka: str
    folder: Path
    producer: AIOKafkaProducer
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(
            kafka=self.kafka, topic_prefix=f"c{uuid4().hex[:8]}.", data=self.folder,
            partitions=PARTITIONS,
        )  # fmt: skip

    @property
    def brokers(self) -> Brokers:
        return Brokers(self.kafka)

    @property
    def env(self) -> dict[str, str]:
        """The variables with which commands find it."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "AIMESH_TOPIC_PREFIX": self.settings.topic_prefix,
            "AIMESH_DATA": str(self.folder),
            "AIMESH_PARTITIONS": str(PARTITIONS),
        }

    def topic(self, name: str) -> str:
        return self.settings.topic_prefix + name

    def group(self, role: str) -> str:
        return app_id(self.settings, role)

    async def create(self) -> None:
        """Create the topics, and those of open jobs."""
        admin = KafkaAdmin(self.kafka)
        await admin.start()
        open_jobs = [
            Layout(f"{hop.group}-open-changelog", PARTITIONS, FOREVER)
            for hop in hops(self.settings)
        ]
        await admin.ensure([*topics.layouts(self.settings), *open_jobs], 1)
        await admin.close()

    async def send(
        self,
        topic: str,
        value: Any,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        partition: int | None = None,
    ) -> RecordMetadata:
        """Write a message: bytes as they are, None as a tombstone, anything else as JSON."""
        data = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
        return await self.producer.send_and_wait(
            self.topic(topic),
            data,
            None if key is None else key.encode(),
            partition,
            headers=[(name, text.encode()) for name, text in (headers or {}).items()],
        )

    async def way(
        self, task_id: str, upto: str = topics.REVIEWS, *, attempt: int = 1, replay: str = ""
    ) -> RecordMetadata:
        """Write a task's messages of one attempt up to a topic; return the last one's place."""
        headers = {dead_letters.REPLAY_COUNT: replay} if replay else {}
        for topic in STEPS[: STEPS.index(upto) + 1]:
            facts: dict[str, Any] = {"task_id": task_id, "task": "Add."}
            facts["attempts" if topic == topics.REVIEWS else "attempt"] = attempt
            if topic == topics.VERDICTS:
                facts |= {"final": True, "success": True}
            place = await self.send(topic, facts, key=task_id, headers=headers)
        return place

    async def bury(
        self,
        place: RecordMetadata,
        value: bytes,
        *,
        key: str | None = None,
        kind: str = "Rejected",
        role: str = "",
        replay: int = 0,
    ) -> RecordMetadata:
        """Write the dead letter of a message."""
        headers = dead_letters.headers(
            topic=place.topic, partition=place.partition, offset=place.offset, timestamp=1.0,
            error_type=kind, error="it could not be", carried={"traceparent": "00-a-b-01"},
        )  # fmt: skip
        headers[dead_letters.REPLAY_COUNT] = str(replay)
        if role:
            headers["ce_source"] = f"/{self.group(role)}"
        return await self.send(topics.DEAD_LETTERS, value, key=key, headers=headers)

    async def open_job(
        self, role: str, key: str, *, closed: bool = False, epoch: Epoch | None = None
    ) -> None:
        """Write that a stage took a job on, and maybe that it closed it."""
        for value in (orjson.dumps({"task_id": key}), None)[: 1 + closed]:
            await self.producer.send_and_wait(
                f"{self.group(role)}-open-changelog", value, orjson.dumps(key), 0,
                headers=epoch.headers() if epoch else [],
            )  # fmt: skip

    async def commit_all(self) -> None:
        """Have every group commit all that there is."""
        for hop in hops(self.settings):
            places = [TopicPartition(hop.topic, number) for number in range(PARTITIONS)]
            async with AIOKafkaConsumer(
                bootstrap_servers=self.kafka, group_id=hop.group, enable_auto_commit=False
            ) as consumer:
                consumer.assign(places)
                await consumer.commit(await consumer.end_offsets(places))

    async def archive(self, *task_ids: str) -> None:
        """Write rows."""
        await Archive(self.settings.history).append_many(
            [
                ArchiveRow(
                    task="Add.", solution="", review="", task_id=task_id, success=True, attempts=1,
                    exec_output="", model="m", completed_at="2026-01-01T00:00:00Z",
                )
                for task_id in task_ids
            ]
        )  # fmt: skip

    async def read(self, topic: str) -> list[Any]:
        """Return all messages of a topic."""
        found = []
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka) as consumer:
            places = [TopicPartition(self.topic(topic), n) for n in range(PARTITIONS)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            for tp, end in (await consumer.end_offsets(places)).items():
                while await consumer.position(tp) < end:
                    found += (await consumer.getmany(tp, timeout_ms=500)).get(tp, [])
        return found


@asynccontextmanager
async def crafted_mesh(kafka: str, folder: Path) -> AsyncIterator[CraftedMesh]:
    """Give a mesh that has all its topics and nothing in them."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        mesh = CraftedMesh(kafka, folder, producer)
        await mesh.create()
        yield mesh
