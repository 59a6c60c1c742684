"""Corrections to Faust, in one place: what stock Faust 0.15 loses or hangs on, and not here.

Each class below overrides by inheritance what it corrects and says which defect it answers:

- `MeshConsumer`: commits over holes and over slow handlers (faust-streaming issue 606, pull
  request 707; the holes themselves are reported nowhere yet), messages dropped between a rebalance
  and the seek after it.
- `MeshThread`: the fixed fetch wait of 1.5 s, which stalls bursts on small clusters.
- `CalmFlow`: queues cleared although the flow was never stopped (faust-streaming issue 596).
- `MeshTable`: changelog writes whose failure is only logged, and offsets remembered for partitions
  that have moved away.
- `MeshApp`: settings that hang or evict (robinhood/faust issue 517), and an application that must
  be created without touching the environment.

They were verified against exactly the versions in `VERIFIED`; any other is refused.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiokafka
import faust
from faust import streams
from faust.assignor.partition_assignor import PartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.transports import ProducerT
from mode import Service
from mode.utils.queues import FlowControlEvent
from yarl import URL

from aimesh.errors import IncompatibleFaustError

VERIFIED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}

# How often a gap is read again before it is believed to be one of the log (compaction,
# transaction markers, retention), and not messages that were dropped on their way.
GAP_READINGS = 3


def verify_versions() -> None:
    """Check that the corrections below fit the installed libraries.

    Raises:
        IncompatibleFaustError: names the version found, and the one to install.
    """
    found = {"faust-streaming": faust.__version__, "aiokafka": aiokafka.__version__}
    for name, version in VERIFIED.items():
        if found[name] != version:
            raise IncompatibleFaustError(
                f"{name} {found[name]} is installed, but AI-Mesh's corrections were verified with "
                f"{version} only: pip install {name}=={version}"
            )
    if getattr(streams, "_CStreamIterator", None) is None:
        raise IncompatibleFaustError(
            "Faust's compiled stream iterator is missing or switched off (NO_CYTHON), and the pure "
            "Python one acknowledges events of partitions that have moved: reinstall the wheel"
        )


class CalmFlow(FlowControlEvent):
    """Flow control that empties the queues only when the flow really was stopped."""

    def resume(self) -> None:
        """Let messages flow again; nothing happens where they already do."""
        if not self.is_active():
            super().resume()


class MeshThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread, with a fetch wait that suits small clusters (Faust fixes 1.5 s)."""

    fetch_wait_ms = 100

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # read when the consumer starts, so it can still be set here
        consumer._fetch_max_wait_ms = self.fetch_wait_ms
        return consumer


class MeshConsumer(driver.Consumer):
    """A consumer that delivers every offset in order and never commits past an unacknowledged one.

    Stock Faust takes offsets that it dropped itself for compacted ones and commits over them. Here
    each partition has a next offset. A message further on is not delivered: the partition is read
    again from there, and only a gap that stays after `GAP_READINGS` is believed.
    """

    def on_init(self) -> None:
        super().on_init()
        self._next: dict[TP, int] = {}
        self._gap_seen: dict[TP, tuple[int, int, int]] = {}
        self._believed: dict[TP, dict[int, int]] = {}
        self._delivering: tuple[TP, int] | None = None
        self._suspects: dict[TP, int] = {}
        # offsets on their way to the broker as commits, which may take a while under load
        self._claimed: dict[TP, int] = {}
        #: Partitions that were read again because messages had been dropped.
        self.healed = 0

    def _new_consumer_thread(self) -> MeshThread:
        return MeshThread(self, loop=self.loop, beacon=self.beacon)

    # -- positions

    def _stream_partitions(self) -> set[TP]:
        acks = self.app.topics.acks_enabled_for
        return {tp for tp in self.assignment() if acks(tp.topic)}

    async def perform_seek(self) -> None:
        """Go back to the committed offsets, or to the log's beginning where there is none."""
        await super().perform_seek()
        partitions = self._stream_partitions()
        fresh = [tp for tp in partitions if self._committed_offset[tp] is None]
        if fresh:
            starts = await self._thread.earliest_offsets(*fresh)
            self._committed_offset.update({tp: starts[tp] for tp in fresh})
        for tp in partitions:
            self._expect(tp, self._committed_offset[tp] or 0)

    async def seek(self, partition: TP, offset: int) -> None:
        """Read a partition again from an offset."""
        await super().seek(partition, offset)
        if partition in self._next:
            self._expect(partition, offset)

    def _expect(self, tp: TP, offset: int) -> None:
        self._next[tp] = offset
        # what was acknowledged already but not committed is absorbed by the stage, not by us
        self._acked[tp] = [o for o in self._acked[tp] if o >= offset]
        self._suspects.pop(tp, None)
        self._claimed.pop(tp, None)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the positions of partitions that are taken away."""
        for tp in revoked:
            for known in (
                self._next,
                self._gap_seen,
                self._believed,
                self._suspects,
                self._claimed,
            ):
                known.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    # -- delivery in order

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield messages, each partition's strictly in the order of its offsets."""
        async for tp, message in super().getmany(timeout):
            if await self._is_next(tp, message.offset):
                self._delivering = (tp, message.offset)
                yield tp, message
                self._delivering = None

    async def _is_next(self, tp: TP, offset: int) -> bool:
        expected = self._next.get(tp)
        if expected is None:
            return True  # a changelog: recovery keeps its own positions
        if offset == expected:
            self._next[tp] = offset + 1
            self._gap_seen.pop(tp, None)
            return True
        if offset > expected:
            return await self._meet_gap(tp, expected, offset)
        return False

    async def _meet_gap(self, tp: TP, expected: int, offset: int) -> bool:
        *gap, readings = self._gap_seen.get(tp, (expected, offset, 0))
        readings = readings + 1 if gap == [expected, offset] else 1
        self._gap_seen[tp] = (expected, offset, readings)
        if readings <= GAP_READINGS:
            await self._seek(tp, expected)
            return False
        self.log.info("%s: the log has nothing between offsets %s and %s", tp, expected, offset)
        self._believed.setdefault(tp, {})[expected] = offset
        self._read_offset[tp] = offset - 1
        self._next[tp] = offset + 1
        del self._gap_seen[tp]
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps are met in `_meet_gap`, before anything is taken for compaction."""

    # -- commits

    def _new_offset(self, tp: TP) -> int | None:
        """Return the end of the unbroken run of acknowledged offsets, None if it did not move."""
        base = self._committed_offset[tp]
        if base is None:
            return None
        acked, believed = self._acked_index[tp], self._believed.get(tp, {})
        offset = base
        while offset in acked or offset in believed:
            offset = believed.get(offset, offset + 1) if offset not in acked else offset + 1
        if offset == base:
            return None
        acked.difference_update([o for o in self._acked[tp] if o < offset])
        self._acked[tp] = [o for o in self._acked[tp] if o >= offset]
        for start in [start for start in believed if start < offset]:
            del believed[start]
        self._claimed[tp] = offset
        return offset

    # -- healing

    @Service.task
    async def _heal_holes(self) -> None:
        async for _ in self.itertimer(1.0, name="heal"):
            if self.app.rebalancing or self.app.in_recovery or not self.flow_active:
                self._suspects.clear()
                continue
            for tp in self._holes():
                self.healed += 1
                offset = self._committed_offset[tp] or 0
                self.log.info("%s: offset %s was fetched and dropped, reading again", tp, offset)
                await self.seek(tp, offset)

    def _holes(self) -> list[TP]:
        """Return the partitions whose next offset to commit nobody has, seen so twice in a row."""
        held: dict[TP, set[int]] = {}
        for message in list(self._unacked_messages):
            held.setdefault(message.tp, set()).add(message.offset)
        holes = []
        for tp, reached in self._next.items():
            base = max(self._committed_offset[tp] or 0, self._claimed.get(tp, 0))
            known = held.get(tp, set()) | self._acked_index[tp] | self._believed.get(tp, {}).keys()
            if base >= reached or base in known or self._delivering == (tp, base):
                self._suspects.pop(tp, None)
            elif self._suspects.get(tp) == base:
                holes.append(tp)
            else:
                self._suspects[tp] = base
        return holes


class MeshTransport(driver.Transport):
    """The Kafka transport with the corrected consumer."""

    Consumer = MeshConsumer


class MeshTable(faust.Table[Any, Any]):
    """A table whose changelog writes can be awaited, and which may be written for a given position.

    ``await table.written()`` after a change waits for the broker to have it, and raises what went
    wrong; stock Faust logs a failed changelog write and goes on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_write: asyncio.Future[Any] | None = None

    def send_changelog(self, *args: Any, **kwargs: Any) -> Any:
        """Send a change to the changelog and remember it for `put` and `drop`."""
        sent: Any = super().send_changelog(*args, **kwargs)
        sent.generation = self.app.consumer_generation_id
        self._last_write = sent
        return sent

    def put(self, key: Any, value: Any) -> asyncio.Future[Any]:
        """Set a key; the future is done when the broker has the change."""
        self[key] = value
        assert self._last_write is not None
        return self._last_write

    def drop(self, key: Any) -> asyncio.Future[Any]:
        """Remove a key; the future is done when the broker has the change."""
        del self[key]
        assert self._last_write is not None
        return self._last_write

    def _on_changelog_sent(self, fut: Any) -> None:
        # A late answer for a partition that has moved meanwhile must not mark what its new owner
        # wrote in between as present in the local store.
        moved = fut.generation != self.app.consumer_generation_id
        if not moved and fut.result().topic_partition in self.app.assignor.assigned_actives():
            super()._on_changelog_sent(fut)


class Position:
    """Stands in for an event where a table is written outside of a stream's iteration."""

    class _Message:
        def __init__(self, topic: str, partition: int) -> None:
            self.topic = topic
            self.partition = partition

    def __init__(self, topic: str, partition: int) -> None:
        self.message = self._Message(topic, partition)


@contextmanager
def writing_for(position: Any) -> Iterator[None]:
    """Let table accesses inside the block belong to the partition of an event or a `Position`.

    The caller must know that this worker owns the partition, and must not await inside the block.
    """
    token = streams._current_event.set(weakref.ref(position))
    try:
        yield
    finally:
        streams._current_event.reset(token)


class MeshApp(faust.App):
    """A Faust application with the corrections, and with settings that neither hang nor lose."""

    def __init__(
        self,
        id: str,  # noqa: A002 - Faust's name for it
        *,
        broker: str,
        datadir: Path,
        identity: str,
        **options: Any,
    ) -> None:
        verify_versions()
        settings: dict[str, Any] = {
            "store": "rocksdb://",
            "autodiscover": False,
            "env": {},
            "topic_disable_leader": True,
            "web_enabled": False,
            "table_standby_replicas": 0,
            # a moved partition's work goes on outside of the streams, there is nothing to wait for
            "stream_wait_empty": False,
            "stream_buffer_maxsize": 256,
            "broker_max_poll_records": 200,
            "broker_session_timeout": 6.0,
            "broker_heartbeat_interval": 2.0,
            "broker_rebalance_timeout": 30.0,
            "broker_request_timeout": 60.0,
            # client-side only: at its default a busy or spare worker leaves the group for good
            "broker_max_poll_interval": 864000.0,
            "broker_commit_interval": 0.25,
            "producer_request_timeout": 60.0,
            "Table": MeshTable,
            # Faust's own way of telling the members of a group apart, known to each of them
            "canonical_url": f"http://{identity}",
        }
        super().__init__(id, broker=f"kafka://{broker}", datadir=datadir, **settings | options)
        self.__dict__["flow_control"] = CalmFlow()

    def _create_directories(self) -> None:
        # Faust makes the folder itself but not its parents
        self.conf.datadir.mkdir(parents=True, exist_ok=True)
        super()._create_directories()

    def table(self, name: str, partitions: int, purpose: str) -> MeshTable:
        """Declare a table with text keys and JSON values, kept on this worker's disk."""
        table = self.Table(name, partitions=partitions, key_type=str, help=purpose)
        assert isinstance(table, MeshTable)
        return table

    def committed(self, tp: TP) -> int:
        """Return the committed offset of a partition as this worker knows it, 0 for none."""
        assert isinstance(self.consumer, MeshConsumer)
        return self.consumer._committed_offset[tp] or 0

    def members(self) -> set[str]:
        """Return the identities of the group's members, as the last assignment knew them."""
        assert isinstance(self.assignor, PartitionAssignor)
        return {URL(url).host or "" for url in self.assignor.external_topic_distribution}

    def _new_producer(self) -> ProducerT:
        producer = super()._new_producer()
        # the conductor pauses in steps of 0.1 s above this; what must be durable is awaited anyway
        producer.buffer.max_messages = 10_000
        return producer

    def _new_transport(self) -> MeshTransport:
        return MeshTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> MeshTransport:
        return MeshTransport(self.conf.broker_producer, self)
