"""The brokers that all contenders share, and topics on them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.services.kafka import KafkaAdmin
from aimesh.topics import FOREVER, Layout
from bench.pipeline.brokers import Redis, running_redis
from bench.pipeline.contenders import Contender, redis_server
from bench.pipeline.ends import KafkaEnds, RedisEnds
from bench.pipeline.hops.place import Place
from bench.pipeline.trials import Plan, measure, wire


class Field:
    """The brokers that all contenders share, and a round of each on them."""

    def __init__(self, folder: Path, plan: Plan, kafka: EmbeddedKafka, redis: Redis | None) -> None:
        self._folder = folder
        self._plan = plan
        self.kafka = kafka
        self._redis = redis

    async def round(self, contender: Contender) -> dict[str, float]:
        """Measure a contender once, on topics of its own."""
        if contender.is_on_redis:
            assert self._redis is not None
            place = self._place(self._redis.url, contender.program[0], self._plan.hops)
            return await measure(contender, place, RedisEnds(place), self._plan, self._redis.pid)
        place = await self.topics(contender.program[-1], self._plan.hops)
        return await measure(contender, place, KafkaEnds(place), self._plan, self.kafka.pid)

    async def wire(self) -> dict[str, float]:
        """Measure what Kafka alone takes."""
        place = await self.topics("wire", 0)
        return await wire(place, KafkaEnds(place), self._plan)

    async def topics(self, name: str, hops: int) -> Place:
        """Make the topics of a pipeline of its own, and return where it is."""
        place = self._place(self.kafka.bootstrap, name, hops)
        admin = KafkaAdmin(place.broker)
        await admin.start()
        try:
            await admin.ensure([Layout(t, place.partitions, FOREVER) for t in place.topics()], 1)
        finally:
            await admin.close()
        return place

    def _place(self, broker: str, name: str, hops: int) -> Place:
        run = f"{name.replace('_', '-')}-{uuid4().hex[:6]}"
        folder = self._folder / run
        folder.mkdir()
        return Place(broker, run, hops, self._plan.partitions, folder)


@asynccontextmanager
async def field(plan: Plan, with_redis: bool) -> AsyncIterator[Field]:
    """Run the brokers while the body runs."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aimesh-bench-")))
        kafka = await stack.enter_async_context(EmbeddedKafka(folder / "kafka", free_port()))
        redis = None
        if with_redis and (program := redis_server()):
            redis = await stack.enter_async_context(running_redis(program, folder))
        yield Field(folder, plan, kafka, redis)
