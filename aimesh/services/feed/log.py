"""Reading the feed's topic: where it is, what it holds, and parts of it in order of time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from aimesh.core.vectors import Span, Vector
from aimesh.errors import UnavailableError
from aimesh.services.kafka_access import OPEN, KafkaAccess

PROBE_SECONDS = 10.0
# a record that the log has must come within this
READ_SECONDS = 30.0


class FeedLog:
    """The feed's topic.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        topic: its name.
        partitions: how many partitions it has.
        access: what the brokers ask of clients.
    """

    def __init__(
        self, bootstrap: str, topic: str, partitions: int, access: KafkaAccess = OPEN
    ) -> None:
        self.bootstrap = bootstrap
        self._access = access
        self.topic = topic
        self.places = tuple(TopicPartition(topic, number) for number in range(partitions))

    async def tag(self) -> str:
        """Look whether the topic is there, and return the name of this very log.

        Raises:
            UnavailableError: no broker answers, or the topic is not there as it should be.
        """
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, **self._access.options())
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await admin.start()
                # all topics are asked for: asking for one may create it
                topics = await admin.describe_topics()
                cluster = (await admin.describe_cluster()).get("cluster_id")
        except (KafkaError, OSError, TimeoutError) as exc:
            reason = f"no broker answers at {self.bootstrap}"
            raise UnavailableError("feed", reason, remedy=str(exc) or "time-out") from exc
        finally:
            await admin.close()
        found = next((len(t["partitions"]) for t in topics if t["topic"] == self.topic), 0)
        if found != len(self.places):
            reason = f"topic {self.topic} has {found} of its {len(self.places)} partitions"
            raise UnavailableError("feed", reason, remedy="the observer creates it")
        return hashlib.sha256(f"{cluster}/{self.topic}".encode()).hexdigest()[:8]

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Open a consumer that belongs to no group, assigned to all partitions.

        Raises:
            KafkaError: no broker answers.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            **self._access.options(),
        )
        try:
            await consumer.start()
            consumer.assign(self.places)
            yield consumer
        finally:
            await consumer.stop()

    async def bounds(self, consumer: AIOKafkaConsumer) -> tuple[Vector, Vector]:
        """Return the first position that the log still has, and its end."""
        begins = await consumer.beginning_offsets(self.places)
        ends = await consumer.end_offsets(self.places)
        return tuple(begins[p] for p in self.places), tuple(ends[p] for p in self.places)

    def seek(self, consumer: AIOKafkaConsumer, position: Vector) -> None:
        """Go to a position."""
        for place, offset in zip(self.places, position, strict=True):
            consumer.seek(place, offset)

    async def read(
        self, consumer: AIOKafkaConsumer, spans: Mapping[int, Span]
    ) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        """Read some offsets of each partition, merged by the messages' time.

        Raises:
            KafkaError: the log does not have them.
            TimeoutError: they did not come in time.
        """
        heads = {}
        for partition, (low, high) in spans.items():
            consumer.seek(self.places[partition], low)
            if low < high:
                heads[partition] = await self._next(consumer, partition)
        while heads:
            partition = min(heads, key=lambda number: heads[number].timestamp)
            record = heads.pop(partition)
            # a log may have holes, so the end may be jumped over
            if record.offset < spans[partition][1]:
                yield record
            if record.offset + 1 < spans[partition][1]:
                heads[partition] = await self._next(consumer, partition)

    async def _next(
        self, consumer: AIOKafkaConsumer, partition: int
    ) -> ConsumerRecord[bytes, bytes]:
        async with asyncio.timeout(READ_SECONDS):
            return await consumer.getone(self.places[partition])
