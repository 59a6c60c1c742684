"""Recovery of tables that ends, whatever the broker does meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaError
from faust.tables import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service
from mode.services import WaitArgT

from aimesh.errors import LeaseLostError, OvertakenError
from aimesh.faustfix.consumer import MeshConsumer
from aimesh.faustfix.tables import MeshTable

PAUSE = 1.0
LOOK_INTERVAL = 1.0


class MeshRecovery(Recovery):
    """Begins again where the broker was too slow or away.

    Stock Faust takes a time-out for being stopped, so that the worker stays in recovery for good,
    and ends the worker at any error of Kafka.
    """

    async def _wait(self, coro: WaitArgT, timeout: Any = None) -> None:
        signal: Any = self.signal_recovery_start
        try:
            found = await self.wait_first(coro, signal, timeout=timeout)
        except IllegalStateError:
            raise  # partitions have moved: Faust begins again by itself
        except (KafkaError, TimeoutError, LeaseLostError, OvertakenError) as exc:
            return await self._begin_again(f"{type(exc).__name__}: {exc}")
        if signal in found.done:
            raise RebalanceAgain
        if found.stopped and (self.should_stop or self.crashed):
            raise ServiceStopped
        if found.stopped:
            await self._begin_again(f"no answer within {timeout} s")
        return None

    async def _begin_again(self, reason: str) -> None:
        self.log.warning("reading the tables begins again: %s", reason)
        await self.sleep(PAUSE)
        self.signal_recovery_start.set()
        raise RebalanceAgain

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Claim what was read, and go on only then.

        Stock Faust takes for true what a former owner writes behind the end that was read.
        """
        if self.app.consumer_generation_id == generation_id:
            await asyncio.gather(*[self._claimed(tp) for tp in self.active_tps])
        await super().on_recovery_completed(generation_id)

    def _claimed(self, tp: TP) -> Coroutine[Any, Any, None]:
        table = self.tp_to_table[tp]
        assert isinstance(table, MeshTable)
        table.local.read_up_to(tp, self.active_highwaters.get(tp, -1))
        return table.writer().claim(tp.partition)

    async def _build_offsets(
        self, consumer: Any, tps: set[TP], destination: Counter[TP], title: str
    ) -> None:
        """Find where to begin; local state that is ahead of its changelog is dropped.

        That happens when a broker lost its last messages because its machine failed. Stock Faust
        ends the worker, at every start again.
        """
        await super()._build_offsets(consumer, tps, destination, title)
        ahead = {tp for tp in tps if self._is_ahead(tp, destination)}
        for tp in ahead:
            self.log.warning("%s: the local state is ahead of it and is read again", tp)
            table = self.tp_to_table[tp]
            assert isinstance(table, MeshTable)
            table.drop_local(tp)
            destination[tp] = None  # type: ignore[assignment]
        if ahead:
            await super()._build_offsets(consumer, ahead, destination, title)

    def _is_ahead(self, tp: TP, offsets: Counter[TP]) -> bool:
        highwater = self.active_highwaters.get(tp)
        return highwater is not None and offsets[tp] is not None and offsets[tp] > highwater

    @Service.task
    async def _reach_ends(self) -> None:
        """Look after changelogs that were read to their end, though not all of it has come.

        Stock Faust waits for the rest for ever. Either it was fetched and dropped, as happens
        around a rebalance, and is read again; or there is none, as behind the marker of a
        transaction: that is so when the client was told to read from there and found nothing.
        """
        before: dict[TP, int] = {}
        async for _ in self.itertimer(LOOK_INTERVAL, name="ends"):
            if not self.in_recovery:
                before = {}
                continue
            ended = {tp: self.active_offsets[tp] for tp in self._read_to_the_end()}
            for tp, offset in ended.items():
                if before.get(tp) == offset and self.tables.changelog_queue.empty():
                    await self._reach_end(tp, offset)
            before = ended

    async def _reach_end(self, tp: TP, offset: int | None) -> None:
        consumer = self.app.consumer
        assert isinstance(consumer, MeshConsumer)
        start = 0 if offset is None else offset + 1
        if consumer._thread.readings.get(tp) == (start, None):
            self.log.info("%s: nothing is behind offset %s", tp, offset)
            self.active_offsets[tp] = self.active_highwaters[tp]
        else:
            self.log.warning("%s: what is behind offset %s was dropped, reading again", tp, offset)
            await consumer.seek(tp, start)

    def _read_to_the_end(self) -> list[TP]:
        consumer = self.app.consumer
        assert isinstance(consumer, MeshConsumer)
        return [
            tp
            for tp, remaining in self.active_remaining().items()
            if remaining > 0
            and (consumer._thread.position_of(tp) or 0) > self.active_highwaters[tp]
        ]


class MeshTableManager(TableManager):
    """Manages tables with the corrected recovery."""

    async def on_start(self) -> None:
        """Get the tables ready; stock Faust waits a second for some to be declared yet."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        """The recovery service of the tables."""
        if self._recovery is None:
            self._recovery = MeshRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
