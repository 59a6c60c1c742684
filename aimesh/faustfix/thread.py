"""What runs in the thread of the clients of Kafka, and what it did with each partition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiokafka
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from aimesh.core.delivery import Course, Reading
from aimesh.faustfix import lease
from aimesh.fetching import FetchWait


class MeshThread(driver.AIOKafkaConsumerThread):
    """A consumer's part in the thread of all clients of Kafka, which Faust takes for its own.

    With a fetch wait that suits small clusters (Faust fixes 1.5 s).
    """

    # there from when the client is made
    _fetch_wait: FetchWait

    def __post_init__(self) -> None:
        super().__post_init__()
        #: What the client did last with each partition that was sought.
        self.readings: dict[TP, Reading] = {}
        #: What was handed out of each changelog since it was sought.
        self.courses: dict[TP, Course] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        self._fetch_wait = FetchWait(consumer)
        return consumer

    async def on_start(self) -> None:
        """Start the client, and let the application's lease follow what its group says."""
        await super().on_start()
        app: Any = self.app
        lease.keep(app.lease, self._ensure_consumer()._coordinator)

    async def go_to(self, tp: TP, offset: int) -> None:
        """Read a partition from an offset on; nothing happens where it has moved away."""
        await self.call_thread(self._go_to, tp, offset)

    async def _go_to(self, tp: TP, offset: int) -> None:
        try:
            self._ensure_consumer().seek(tp, offset)
        except IllegalStateError:
            self.log.info("%s has moved away", tp)
        else:
            self.readings[tp] = (offset, None)
            if tp in self.courses:
                self.courses[tp] = Course(offset)

    async def _seek_wait(self, consumer: Any, partitions: Mapping[TP, int]) -> None:
        # recovery goes to where it reads changelogs from; nothing is handed out in between
        self.courses.update((tp, Course(offset)) for tp, offset in partitions.items())
        await super()._seek_wait(consumer, partitions)

    async def _gather_remaining_tasks(self) -> None:
        """Nothing: what else runs in this thread is other consumers'."""

    async def _fetch_records(self, *args: Any, **options: Any) -> Any:
        records = await super()._fetch_records(*args, **options)
        self._fetch_wait.suit(sum(map(len, records.values())))
        for tp, batch in records.items():
            reading = self.readings.get(tp)
            if reading is not None and reading[1] is None:
                self.readings[tp] = (reading[0], batch[0].offset)
            if course := self.courses.get(tp):
                course.hand(record.offset for record in batch)
        return records

    def position_of(self, tp: TP) -> int | None:
        """Return the offset that the client reads next, None where it does not know yet."""
        assignment = self._ensure_consumer()._subscription.subscription.assignment
        state = assignment.state_value(tp) if assignment is not None else None
        position: int | None = state._position if state is not None else None
        return position
