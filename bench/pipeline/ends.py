"""The two ends of a pipeline: where tasks are put in, and where those that came out are counted."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.pipeline.hops.place import Place

# about as long as a task of the mesh
TEXT = "Write a function that adds two numbers. " * 8


class Ends(ABC):
    """Puts tasks in and counts what comes out, in the order of this process's clock."""

    def __init__(self, place: Place) -> None:
        self.place = place
        #: When each task was put in, and when it first came out.
        self.put_at: dict[str, float] = {}
        self.out_at: dict[str, float] = {}
        #: How often each task came out.
        self.outs: Counter[str] = Counter()
        self.last_at = time.perf_counter()
        self._collecting: asyncio.Task[None] | None = None

    @abstractmethod
    async def put(self, ids: Sequence[str]) -> None:
        """Put tasks in, as fast as it goes."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and begin to count."""

    @abstractmethod
    async def _collect(self) -> None: ...

    async def close(self) -> None:
        """Stop counting and disconnect."""
        if self._collecting is not None:
            self._collecting.cancel()
            await asyncio.gather(self._collecting, return_exceptions=True)

    def _begin(self) -> None:
        self._collecting = asyncio.create_task(self._collect())

    def _note(self, task_id: str) -> None:
        self.last_at = now = time.perf_counter()
        self.outs[task_id] += 1
        self.out_at.setdefault(task_id, now)

    def latencies(self, ids: Sequence[str]) -> list[float]:
        """Return the seconds that each of these tasks took, in ascending order."""
        return sorted(self.out_at[i] - self.put_at[i] for i in ids)

    async def until_out(self, ids: Sequence[str], limit: float) -> None:
        """Wait until all of these tasks have come out."""
        missing = set(ids)

        def all_out() -> bool:
            missing.difference_update(self.out_at.keys())
            return not missing

        await self.until(all_out, limit, lambda: f"{len(missing)} of {len(ids)} are missing")

    async def until(
        self, condition: Callable[[], bool], limit: float, told: Callable[[], str] = str
    ) -> None:
        """Wait until something is so.

        Raises:
            SystemExit: it is not after ``limit`` seconds, or counting has failed.
        """
        deadline = time.perf_counter() + limit
        while not condition():
            if self._collecting is not None and self._collecting.done():
                self._collecting.result()
            if time.perf_counter() > deadline:
                raise SystemExit(f"{self.place.id}: not done within {limit:.0f} s: {told()}")
            await asyncio.sleep(0.002)


class KafkaEnds(Ends):
    """The ends of a pipeline on Kafka."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._producer = AIOKafkaProducer(bootstrap_servers=place.broker, acks="all")
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=place.broker, auto_offset_reset="earliest", fetch_max_wait_ms=100
        )

    async def open(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        place = self.place
        last = place.topic(place.hops)
        self._consumer.assign([TopicPartition(last, n) for n in range(place.partitions)])
        self._begin()

    async def close(self) -> None:
        await super().close()
        await self._consumer.stop()
        await self._producer.stop()

    async def put(self, ids: Sequence[str]) -> None:
        sent = []
        for task_id in ids:
            value = orjson.dumps({"task_id": task_id, "task": TEXT})
            self.put_at[task_id] = time.perf_counter()
            sent.append(await self._producer.send(self.place.topic(0), value, task_id.encode()))
        await asyncio.gather(*sent)

    async def _collect(self) -> None:
        while True:
            for batch in (await self._consumer.getmany(timeout_ms=1000)).values():
                for message in batch:
                    self._note(orjson.loads(message.value or b"")["task_id"])


class RedisEnds(Ends):
    """The ends of a pipeline of Celery's."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        from redis import asyncio as redis

        from bench.pipeline.hops.celery_tasks import new_app

        self._redis: Any = redis.Redis.from_url(place.broker)
        self._app: Any = new_app(place)

    async def open(self) -> None:
        await self._redis.ping()
        self._begin()

    async def close(self) -> None:
        await super().close()
        await self._redis.aclose()
        await asyncio.to_thread(self._app.close)

    async def put(self, ids: Sequence[str]) -> None:
        await asyncio.to_thread(self._send, ids)

    def _send(self, ids: Sequence[str]) -> None:
        for task_id in ids:
            self.put_at[task_id] = time.perf_counter()
            self._app.send_task(self.place.topic(0), (task_id, TEXT))

    async def _collect(self) -> None:
        while True:
            last = self.place.topic(self.place.hops)
            if found := await self._redis.blpop(last, 1):
                self._note(found[1].decode())
                for task_id in await self._redis.lpop(last, 1000) or []:
                    self._note(task_id.decode())
