"""Reading topics from outside of any group: a log up to some offsets, or what comes from now on.

Topics are looked for among all that there are, since a broker may create one that it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from aimesh.errors import UnavailableError
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.kafka_access import OPEN, KafkaAccess

Place: TypeAlias = tuple[str, int]
# by topic and partition: the first offset, and the one after the last
Spans: TypeAlias = Mapping[Place, tuple[int, int]]
Record: TypeAlias = ConsumerRecord[bytes, bytes]

FETCH_MS = 500
PROBE_SECONDS = 10.0
# the last offsets of a log may hold nothing (compaction), and then nothing comes for them
QUIET_SECONDS = 10.0
REMEDY = "start it with `aimesh up`, or set KAFKA_BOOTSTRAP_SERVERS to where it is"


@dataclass(frozen=True)
class Brokers:
    """Where Kafka is, as ``host:port`` separated by commas, and what it asks of clients."""

    bootstrap: str
    access: KafkaAccess = OPEN

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments for aiokafka's clients."""
        return {"bootstrap_servers": self.bootstrap, **self.access.options()}


@contextmanager
def kafka_failures(brokers: Brokers) -> Iterator[None]:
    """Turn what goes wrong with a broker inside the block into `UnavailableError`."""
    try:
        yield
    except (KafkaError, TimeoutError) as exc:
        what = str(exc) or "time-out"
        reason = f"the broker at {brokers.bootstrap} does not answer as it should: {what}"
        raise UnavailableError("kafka", reason, remedy=REMEDY) from exc


@asynccontextmanager
async def connected(brokers: Brokers) -> AsyncIterator[KafkaAdmin]:
    """Have a connection to Kafka's administration while the body runs.

    Raises:
        UnavailableError: no broker answers, or it stops answering.
    """
    admin = KafkaAdmin(brokers.bootstrap, brokers.access)
    try:
        await admin.start()
    except UnavailableError as exc:
        if isinstance(exc.__cause__, KafkaConnectionError | OSError | TimeoutError):
            raise UnavailableError("kafka", exc.reason, remedy=REMEDY) from exc
        raise
    try:
        with kafka_failures(brokers):
            yield admin
    finally:
        await admin.close()


async def existing(admin: KafkaAdmin, names: Iterable[str]) -> dict[str, int]:
    """Return those of some topics that there are, with their number of partitions."""
    found = await admin.partitions()
    return {name: found[name] for name in names if name in found}


async def required(admin: KafkaAdmin, brokers: Brokers, names: Sequence[str]) -> dict[str, int]:
    """Return the number of partitions of topics that a mesh has.

    Raises:
        UnavailableError: one of them is not there: no mesh has run on this broker.
    """
    found = await existing(admin, names)
    if missing := [name for name in names if name not in found]:
        raise UnavailableError(
            "kafka",
            f"there is no mesh at {brokers.bootstrap}: topic {missing[0]} is missing",
            remedy="start one with `aimesh up`, or set AIMESH_TOPIC_PREFIX to that of yours",
        )
    return found


class TopicReader:
    """A consumer without a group; use it as an asynchronous context."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._consumer = AIOKafkaConsumer(
            **brokers.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=200,
        )

    async def __aenter__(self) -> TopicReader:
        with kafka_failures(self._brokers):
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._consumer.start()
            except BaseException:
                await self._consumer.stop()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        # aiokafka cancels itself where it is stopped before its own task has begun
        await asyncio.sleep(0)
        await self._consumer.stop()

    async def through(
        self,
        spans: Spans,
        progress: Callable[[int], None] = lambda count: None,
    ) -> AsyncIterator[list[Record]]:
        """Yield what each partition holds from one offset to before another, in batches.

        Arguments:
            spans: what to read.
            progress: told of offsets that were passed.

        Raises:
            UnavailableError: the broker stops answering.
        """
        left = {TopicPartition(*p): span for p, span in spans.items() if span[0] < span[1]}
        self._assign({tp: begin for tp, (begin, _) in left.items()})
        reached = {tp: begin for tp, (begin, _) in left.items()}
        while left:
            with kafka_failures(self._brokers):
                found = await self._some(left)
            for tp, records in found.items():
                end = left[tp][1]
                upto = min(records[-1].offset + 1, end) if records else end
                progress(upto - reached[tp])
                reached[tp] = upto
                if upto >= end:
                    del left[tp]
                    self._consumer.pause(tp)
                if wanted := [record for record in records if record.offset < end]:
                    yield wanted

    async def _some(
        self, left: Mapping[TopicPartition, tuple[int, int]]
    ) -> dict[TopicPartition, list[Record]]:
        """Return records of some partitions; none at all for those that have no more."""
        async with asyncio.timeout(QUIET_SECONDS * 6):
            for _ in range(int(QUIET_SECONDS * 1000 / FETCH_MS)):
                found = await self._consumer.getmany(timeout_ms=FETCH_MS)
                if found:
                    return dict(found)
            # the broker answers, so there is nothing: these offsets are gone
            await self._consumer.end_offsets(list(left))
        return {tp: [] for tp in left}

    async def following(self, starts: Mapping[Place, int]) -> AsyncIterator[Record]:
        """Yield what each partition holds from an offset on, and all that comes, without end."""
        self._assign({TopicPartition(*place): offset for place, offset in starts.items()})
        while True:
            with kafka_failures(self._brokers):
                found = await self._consumer.getmany(timeout_ms=FETCH_MS)
            for records in found.values():
                for record in records:
                    yield record

    def _assign(self, starts: Mapping[TopicPartition, int]) -> None:
        self._consumer.assign(list(starts))
        for tp, offset in starts.items():
            self._consumer.seek(tp, offset)


def header(record: Record, name: str) -> str:
    """Return a header of a message as text, empty where it has none of that name."""
    for key, value in record.headers or ():
        if key == name:
            return (value or b"").decode("utf-8", "replace")
    return ""
