"""A consumer that loses nothing on the way from the broker to the streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from mode import Service

from aimesh.core.delivery import Delivery, Step
from aimesh.faustfix.client_thread import ClientThread, Guest
from aimesh.faustfix.handing import HandingConsumer
from aimesh.faustfix.producer import MeshProducer
from aimesh.faustfix.thread import MeshThread

LOOK_INTERVAL = 1.0


class MeshConsumer(HandingConsumer):
    """A consumer that delivers every offset in order and never commits past an unacknowledged one.

    Stock Faust takes offsets that it dropped itself for compacted ones and commits over them. Here
    every partition has a `Delivery`: a message further on is not delivered, the partition is read
    again from what is missing. An acknowledgement counts only in the generation of the group in
    which its message was delivered.
    """

    _thread: MeshThread

    def on_init(self) -> None:
        super().on_init()
        self._deliveries: dict[TP, Delivery] = {}
        # the next offset of each changelog that is read
        self._changelogs: dict[TP, int] = {}
        # messages that were delivered and that somebody still has
        self._held: dict[TP, WeakValueDictionary[int, Message]] = {}
        self._delivering = False
        self._unsought = False
        #: How often messages that had been dropped were read again.
        self.healed = 0

    def _new_consumer_thread(self) -> MeshThread:
        app: Any = self.app
        host: ClientThread = app.clients.thread
        return MeshThread(
            self,
            loop=self.loop,
            beacon=self.beacon,
            thread_loop=host.loop,
            Worker=partial(Guest, host),
        )

    # -- positions

    def stream_partitions(self) -> list[TP]:
        """Return the partitions that streams read, as opposed to changelogs."""
        acks = self.app.topics.acks_enabled_for
        return [tp for tp in self.assignment() if acks(tp.topic)]

    async def perform_seek(self) -> None:
        """Go back to the committed offsets, or to the log's beginning where there is none.

        A commit beyond the log's end (a broker lost its last messages when its machine failed)
        counts as none: what was written since stands at offsets that were committed before.
        """
        partitions = self.stream_partitions()
        if not partitions:
            return
        committed = await self.seek_to_committed()
        begins = await self._thread.earliest_offsets(*partitions)
        ends = await self._thread.highwaters(*partitions)
        for tp in partitions:
            start = committed.get(tp)
            if start is not None and start > ends[tp]:
                self.log.warning(
                    "%s: offset %s was committed, but the log ends at %s: reading all of it again",
                    tp, start, ends[tp],
                )  # fmt: skip
                start = None
            await self._begin(tp, max(begins[tp], start or 0))

    async def _begin(self, tp: TP, offset: int) -> None:
        await self._seek(tp, offset)
        self._read_offset[tp] = offset or None
        self._committed_offset[tp] = offset
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        self._deliveries[tp] = Delivery(offset)
        self._held[tp] = WeakValueDictionary()

    async def seek(self, partition: TP, offset: int) -> None:
        """Read a partition again from an offset."""
        await super().seek(partition, offset)
        if delivery := self._deliveries.get(partition):
            delivery.go_back(offset)
        if partition in self._changelogs:
            self._changelogs[partition] = offset

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Read changelogs from these offsets."""
        self._changelogs.update(partitions)
        await super().seek_wait(partitions)

    async def _seek(self, partition: TP, offset: int) -> None:
        # stock Faust reaches into the client from this thread, while its own thread uses it
        await self._thread.go_to(partition, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the positions of partitions that are taken away."""
        for tp in revoked:
            self._deliveries.pop(tp, None)
            self._held.pop(tp, None)
            self._changelogs.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    # -- delivery in order

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield messages, each partition's strictly in the order of its offsets."""
        sought: set[TP] = set()
        async for tp, message in super().getmany(timeout):
            if tp in sought:
                continue  # behind a gap, and read again with it
            step = self._step(tp, message)
            if step is Step.READ_AGAIN:
                sought.add(tp)
                delivery = self._deliveries.get(tp)
                await self._seek(tp, delivery.expected if delivery else self._changelogs[tp])
            elif step is Step.DELIVER:
                self._delivering = True
                try:
                    yield tp, message
                finally:
                    self._delivering = False
                if self._read_offset.get(tp) != message.offset:
                    self.let_go(message)  # stock Faust took it for one that was read before

    def _step(self, tp: TP, message: Message) -> Step:
        delivery = self._deliveries.get(tp)
        if delivery is None and self.app.topics.acks_enabled_for(tp.topic):
            return Step.DROP  # its position is not known yet, and it will be read from there
        if delivery is None:
            return self._step_of_changelog(tp, message.offset)
        step = delivery.meet(message.offset, self._thread.readings.get(tp))
        if step is Step.DELIVER:
            self._held[tp][message.offset] = message
        return step

    def _step_of_changelog(self, tp: TP, offset: int) -> Step:
        expected, course = self._changelogs.get(tp), self._thread.courses.get(tp)
        if expected is None or course is None or offset < expected:
            return Step.DROP
        if not course.is_gap(expected, offset):
            self.log.warning("%s: offset %s was dropped, reading again", tp, expected)
            return Step.READ_AGAIN
        self._changelogs[tp] = offset + 1
        return Step.DELIVER

    def let_go(self, message: Message) -> None:
        """Note that a delivered message was left alone, not acknowledged: it is read again.

        Whoever had it last has it still, until the next one comes: so long as nothing else does, it
        would be taken for one that is being worked on.
        """
        held = self._held.get(message.tp)
        if held is not None and held.get(message.offset) is message:
            del held[message.offset]

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps are met in `getmany`, before anything is taken for compaction."""

    # -- acknowledgements and commits

    def ack(self, message: Message) -> bool:
        """Note that a message is done; not if it was delivered before the last rebalance."""
        if message.generation_id == self.app.consumer_generation_id:
            return bool(super().ack(message))
        message.acked = True
        self._unacked_messages.discard(message)
        return False

    def _new_offset(self, tp: TP) -> int | None:
        """Return the end of the unbroken run of acknowledged offsets, None if it did not move."""
        delivery = self._deliveries.get(tp)
        if delivery is None:
            return None
        index = self._acked_index[tp]
        offset = delivery.end_of_run(index)
        if offset == delivery.claimed:
            return None
        delivery.claim(offset)
        index.difference_update([done for done in self._acked[tp] if done < offset])
        self._acked[tp] = [done for done in self._acked[tp] if done >= offset]
        return offset

    async def verify_all_partitions_active(self) -> None:
        """Nothing: stock Faust walks all partitions every moment to warn of one without progress.

        Our watchdog sees the same, once for all applications, and does something about it.
        """

    # -- healing

    @Service.task
    async def _heal(self) -> None:
        async for _ in self.itertimer(LOOK_INTERVAL, name="heal"):
            if not (self.app.rebalancing or self.app.in_recovery) and self.flow_active:
                await self._look()

    async def _look(self) -> None:
        partitions = self.stream_partitions()
        unsought = any(tp not in self._deliveries for tp in partitions)
        if unsought and self._unsought:
            self.log.warning("positions are unknown, reading again from the committed offsets")
            await self.perform_seek()
        self._unsought = unsought
        for tp in list(self._deliveries):
            if (delivery := self._deliveries.get(tp)) is None:
                continue  # taken away while another was sought
            offset = delivery.lost(
                None if self._delivering else self._thread.position_of(tp),
                self._thread.readings.get(tp),
                self._acked_index[tp],
                self._held[tp].__contains__,
            )
            if offset is not None:
                self.healed += 1
                self.log.info("%s: offset %s was fetched and dropped, reading again", tp, offset)
                await self.seek(tp, offset)


class MeshTransport(driver.Transport):
    """The Kafka transport with the corrected consumer and producer."""

    Consumer = MeshConsumer
    Producer = MeshProducer
