"""Stages for tests: on a real Kafka, in this process or in one of their own that can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from aimesh.faustfix import MeshApp
from aimesh.records import Task
from aimesh.services.kafka import KafkaAdmin
from aimesh.stage import Job, Send, Stage
from aimesh.topics import Layout
from tests.waiting import until

PARTITIONS = 2
FOREVER = -0.001

Work = Callable[[Task, Job], Awaitable[Sequence[Send]]]


class Place:
    """The topics of one stage under test, and what is sent to and found on them."""

    def __init__(self, kafka: str, folder: Path, partitions: int = PARTITIONS) -> None:
        self.kafka = kafka
        self.folder = folder
        self.partitions = partitions
        self.id = f"st{uuid4().hex[:10]}"
        self.source, self.out = f"{self.id}-in", f"{self.id}-out"
        self.dead, self.results = f"{self.id}-dead", f"{self.id}-results"
        self._producer: AIOKafkaProducer | None = None
        self._admin = KafkaAdmin(kafka)

    async def open(self) -> None:
        """Create the topics."""
        await self._admin.start()
        names = (self.source, self.out, self.dead, self.results)
        await self._admin.ensure([Layout(n, self.partitions, FOREVER) for n in names], 1)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka, max_request_size=8 << 20, linger_ms=2
        )
        await self._producer.start()

    async def close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
        await self._admin.close()

    @property
    def producer(self) -> AIOKafkaProducer:
        assert self._producer is not None
        return self._producer

    async def send(self, *tasks: dict[str, Any] | bytes, partition: int | None = None) -> list[Any]:
        """Send tasks to the source, those with an id keyed by it; return where they went."""
        sent = []
        for task in tasks:
            value = task if isinstance(task, bytes) else orjson.dumps(task)
            key = None if isinstance(task, bytes) else task.get("task_id", "").encode() or None
            sent.append(await self.producer.send(self.source, value, key, partition))
        return [await place for place in sent]

    async def ends(self, topic: str) -> int:
        """How many messages a topic has had."""
        return sum((await self._admin.ends({topic: self.partitions})).values())

    async def committed(self) -> int:
        """Up to where the stage's group has committed its source, over all partitions."""
        found = await self._admin.committed(self.id)
        return sum(offset for (topic, _), offset in found.items() if topic == self.source)

    async def lag(self) -> int:
        """How many messages of the source are not acknowledged."""
        return await self.ends(self.source) - await self.committed()

    async def members(self) -> int:
        """How many workers the group has."""
        return (await self._admin.members([self.id]))[self.id]

    async def read(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """All messages that a topic has now."""
        ends = await self._admin.ends({topic: self.partitions})
        if not any(ends.values()):
            return []
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        await consumer.start()
        found: list[ConsumerRecord[bytes, bytes]] = []
        try:
            wanted = {TopicPartition(*tp): end for tp, end in ends.items() if end}
            consumer.assign(list(wanted))
            for tp in wanted:
                await consumer.seek_to_beginning(tp)
            while [tp for tp, end in wanted.items() if await consumer.position(tp) < end]:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += batch
        finally:
            await consumer.stop()
        return found

    async def outputs(self) -> Counter[str]:
        """How often each task is on the output topic."""
        return Counter(orjson.loads(m.value or b"")["task_id"] for m in await self.read(self.out))

    async def answers(self) -> dict[str, set[str]]:
        """By whom the outputs of each task are."""
        found: dict[str, set[str]] = {}
        for data in [orjson.loads(m.value or b"") for m in await self.read(self.out)]:
            found.setdefault(data["task_id"], set()).add(data["source"])
        return found

    async def until_out(self, count: int, limit: float = 30.0) -> Counter[str]:
        """Wait until so many different tasks came out, and return how often each did."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if await self.ends(self.out) >= count and len(out := await self.outputs()) >= count:
                return out
            await asyncio.sleep(0.05)
        raise AssertionError(f"only {await self.outputs()} of {count} came out")

    async def until_settled(self, limit: float = 30.0) -> None:
        """Wait until all of the source is committed."""
        deadline = time.monotonic() + limit
        while await self.lag():
            assert time.monotonic() < deadline, f"a lag of {await self.lag()} stays"
            await asyncio.sleep(0.05)

    async def until_ended(self, topic: str, count: int, limit: float = 30.0) -> None:
        """Wait until a topic has had so many messages."""
        deadline = time.monotonic() + limit
        while (found := await self.ends(topic)) < count:
            assert time.monotonic() < deadline, f"{topic} has {found} of {count} messages"
            await asyncio.sleep(0.05)

    async def until_dead(self, count: int, limit: float = 30.0) -> list[Any]:
        """Wait for so many dead letters."""
        await self.until_ended(self.dead, count, limit)
        return await self.read(self.dead)


@asynccontextmanager
async def place(kafka: str, folder: Path, partitions: int = PARTITIONS) -> AsyncIterator[Place]:
    """Give a place with its topics."""
    found = Place(kafka, folder, partitions)
    await found.open()
    try:
        yield found
    finally:
        await found.close()


def new_stage(at: Place, work: Work, name: str = "one", **options: Any) -> Stage:
    """Make a stage with an application of its own."""
    identity = f"{name}-{uuid4().hex[:8]}"
    app = MeshApp(
        at.id,
        broker=at.kafka,
        datadir=at.folder / name,
        identity=identity,
        topic_partitions=at.partitions,
    )
    return Stage(
        app,
        source=at.source,
        kind=Task,
        work=work,
        dead_letters_topic=at.dead,
        owner=identity,
        partitions=at.partitions,
        **options,
    )


@asynccontextmanager
async def running(stage: Stage, *, wait: bool = True) -> AsyncIterator[Stage]:
    """Run a stage in this process."""
    app = stage.app
    app.finalize()
    await app.start()
    try:
        if wait:
            await until(lambda: stage.owned and not app.rebalancing, 30)
        yield stage
    finally:
        await stage.drain(0.0)
        await app.stop()


def echo(at: Place, task: Task, by: str = "") -> list[Send]:
    """What most work comes to: the task itself, to the output topic."""
    done = Task(task=task.task, task_id=task.task_id, attempt=task.attempt, source=by)
    return [Send(at.out, done)]


def tasks(count: int, text: str = "ok", prefix: str = "t") -> list[dict[str, Any]]:
    """Plain tasks with ids."""
    return [{"task_id": f"{prefix}{n}", "task": text} for n in range(count)]


class Program:
    """A stage in a process of its own, see `tests.stage_program`."""

    def __init__(self, at: Place, name: str) -> None:
        self._at = at
        self.name = name
        self.log = at.folder / f"{name}.log"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, **environ: str) -> Program:
        """Start it; it may take a moment to be given partitions."""
        at = self._at
        own = {"KAFKA": at.kafka, "ID": at.id, "NAME": self.name, "FOLDER": str(at.folder)}
        own["PARTITIONS"] = str(at.partitions)
        with self.log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.stage_program",
                env={**os.environ, **own, **environ},
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        return self

    async def end(self, number: int) -> int:
        """Send a signal and wait for the end; return the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            os.killpg(self.process.pid, number)
        return await asyncio.wait_for(self.process.wait(), 40)

    def signal(self, number: int) -> None:
        """Send a signal."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    async def ready(self, limit: float = 30.0) -> None:
        """Wait until it owns partitions."""
        await until(lambda: b"READY" in self.log.read_bytes(), limit)


@asynccontextmanager
async def programs(at: Place, *names: str, **environ: str) -> AsyncIterator[list[Program]]:
    """Run stages in processes of their own; they are ended with the body."""
    found = [await Program(at, name).start(**environ) for name in names]
    try:
        for program in found:
            await program.ready()
        yield found
    finally:
        for program in found:
            await program.end(signal.SIGKILL)


def calls(at: Place) -> list[tuple[str, str, str]]:
    """The begins and ends of work in all programs: name of the program, job's key, what."""
    path = at.folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(w, k, what) for w, k, what in (line.split(" ", 2) for line in lines)]


def begun(at: Place) -> Counter[str]:
    """How often work on each job has begun."""
    return Counter(key for _, key, what in calls(at) if what == "begin")


def texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """A message's headers as text."""
    return {name: value.decode() for name, value in headers}
