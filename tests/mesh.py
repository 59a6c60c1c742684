"""A whole mesh for tests: workers as processes of their own, on a real Kafka and a real API."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from aimesh.core.archive import ArchiveRow
from aimesh.embedded.ports import free_port
from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.embedded.rehearsal.catalogue import catalogue
from aimesh.services.archive import Archive
from aimesh.settings import Settings
from aimesh.topics import layouts
from tests.worker import PAUSE, Worker

OWN = ("AIMESH_", "KAFKA_", "OLLAMA_", "QDRANT_", "ORACLE_", "OTEL_")
# so long that no task of its own comes into a test's way
QUIET = "86400"
PARTITIONS = {layout.name: layout.partitions for layout in layouts(Settings())}


SIMPLE = (
    "Write a Python function `add_{n}(a, b)` that returns the sum of a and b.\n\n"
    "Example: add_{n}(1, 2) -> 3\nExample: add_{n}(0, 0) -> 0"
)


def posed(name: str) -> str:
    """The text of a task of the rehearsal's catalogue, by the name of its function."""
    return next(entry.statement for entry in catalogue() if entry.name == name)


def simple(count: int, first: int = 0) -> list[str]:
    """Texts of tasks that pass at once."""
    return [SIMPLE.format(n=n) for n in range(first, first + count)]


@dataclass
class Mesh:
    """Names, model and data folder of one mesh; workers are started in it."""

    kafka: str
    folder: Path
    model: RehearsalServer = field(default_factory=RehearsalServer)
    environ: dict[str, str] = field(default_factory=dict)
    prefix: str = field(default_factory=lambda: f"t{uuid4().hex[:8]}.")
    workers: list[Worker] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def start(self, *, wait: bool = True, **environ: str) -> Worker:
        """Start a worker; variables given here outweigh the mesh's own.

        Arguments:
            wait: return when it is ready.
            environ: an empty variable counts as unset.
        """
        port = free_port()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OWN)}
        own = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "OLLAMA_BASE_URL": self.model.url,
            "AIMESH_TOPIC_PREFIX": self.prefix,
            "AIMESH_DATA": str(self.data),
            "AIMESH_WEB_PORT": str(port),
            "AIMESH_PRODUCER_INTERVAL": QUIET,
            "AIMESH_GOVERNOR_INTERVAL": "0.25",
        }
        log = self.folder / f"worker-{port}.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aimesh", "worker", "-l", "info",
                env={**inherited, **own, **self.environ, **environ},
                cwd=self.folder, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        worker = Worker(process, f"http://127.0.0.1:{port}", log)
        self.workers.append(worker)
        if wait:
            await worker.wait("/readyz", limit=60)
        return worker

    def topic(self, name: str) -> str:
        """The name of a topic in this mesh."""
        return self.prefix + name

    def rows(self) -> list[ArchiveRow]:
        """The rows of the archive."""
        return list(Archive(self.data / "ai_history.csv").rows())

    def row_counts(self) -> Counter[str]:
        """How many rows each task has."""
        return Counter(row.task_id for row in self.rows())

    async def archived(self, ids: Iterable[str], limit: float = 60.0) -> list[ArchiveRow]:
        """Wait until these tasks have their rows, and return all rows."""
        wanted, deadline = set(ids), time.monotonic() + limit
        while missing := wanted - {row.task_id for row in self.rows()}:
            if time.monotonic() > deadline:
                tails = "\n".join(worker.tail() for worker in self.workers)
                raise AssertionError(f"{len(missing)} tasks have no row: {missing}\n{tails}")
            await asyncio.sleep(PAUSE)
        return self.rows()

    async def send(self, values: Iterable[bytes]) -> list[str]:
        """Send what any plain client may: no key, no headers, partitions in turn.

        Returns:
            The ids that tasks without one get from their places in the log.
        """
        ids, topic, count = [], self.topic("ai_topic"), PARTITIONS["ai_topic"]
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            sent = [
                await producer.send(topic, value, partition=number % count)
                for number, value in enumerate(values)
            ]
            for place in sent:
                found = await place
                ids.append(f"x-{found.topic}-{found.partition}-{found.offset}")
        return ids

    async def read(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """Return all messages of a topic."""
        name = self.topic(topic)
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka) as consumer:
            places = [TopicPartition(name, number) for number in range(PARTITIONS[topic])]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            left = {tp: end for tp, end in (await consumer.end_offsets(places)).items() if end}
            found: list[ConsumerRecord[bytes, bytes]] = []
            while any([await consumer.position(tp) < end for tp, end in left.items()]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
        return found

    async def messages_of(self, topic: str, task_id: str) -> list[dict[str, Any]]:
        """Return the records of a task on a topic, in the order of its attempts."""
        key = task_id.encode()
        found = [orjson.loads(m.value or b"") for m in await self.read(topic) if m.key == key]
        return sorted(found, key=lambda data: data.get("attempt", 0))

    async def distinct(self, topic: str) -> int:
        """How many attempts at tasks a topic tells of; a crash may have any sent twice."""
        found = set()
        for message in await self.read(topic):
            data = orjson.loads(message.value or b"{}")
            found.add((message.key or message.offset, data.get("attempt")))
        return len(found)

    async def hold_states(self) -> None:
        """Hold what every worker that still runs tells of the whole system to the schema."""
        await asyncio.gather(*(worker.hold_state() for worker in self.workers))

    async def stop(self) -> None:
        """End all workers that still run, in order."""
        await self.hold_states()
        ending = [worker for worker in self.workers if worker.process.returncode is None]
        assert not any(await asyncio.gather(*(worker.stop() for worker in ending)))


@asynccontextmanager
async def running_mesh(
    kafka: str, folder: Path, model: RehearsalServer | None = None, **environ: str
) -> AsyncIterator[Mesh]:
    """Give a mesh in a folder; its model serves, and its workers run, no longer than the body.

    What it tells of itself at the end must be as the schema says.

    Arguments:
        model: left out, one that answers at once, and with code every time.
        environ: variables of all workers.
    """
    os.makedirs(folder, exist_ok=True)
    async with model or RehearsalServer(garbage_every=0) as serving:
        mesh = Mesh(kafka, folder, serving, environ)
        try:
            yield mesh
            await mesh.hold_states()
        finally:
            for worker in mesh.workers:
                await worker.kill()
