"""Writing to a table's changelog, as whoever owns a partition in one generation of its group."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from aiokafka.structs import TopicPartition
from faust.types import TP

from aimesh.core.epochs import CLAIM, Epoch
from aimesh.errors import OvertakenError
from aimesh.faustfix.producer import Headers, MeshProducer

if TYPE_CHECKING:
    from aimesh.faustfix.tables import MeshTable

_UNCLAIMED: Headers = []


class TableWriter:
    """A table, as one generation of its application's group writes to it.

    Arguments:
        table: the table.
        generation: that of the group.
    """

    def __init__(self, table: MeshTable, generation: int) -> None:
        self._table = table
        self.generation = generation
        self._owner = secrets.token_bytes(8)
        self._places: dict[int, TopicPartition] = {}
        self._headers: dict[int, Headers] = {}
        self._claimed: set[int] = set()
        self._early: set[tuple[int, bytes]] = set()

    def headers(self, partition: int) -> Headers:
        """Return what tells readers whose write it is."""
        return self._headers.get(partition, _UNCLAIMED)

    def write(self, partition: int, key: bytes, value: bytes | None) -> asyncio.Future[Any]:
        """Send a change to the changelog; the future is done when the broker has it."""
        if partition not in self._claimed:
            self._early.add((partition, key))
        return self._send(partition, key, value)

    def _send(self, partition: int, key: bytes, value: bytes | None) -> asyncio.Future[Any]:
        producer = self._table.app.producer
        assert isinstance(producer, MeshProducer)
        if (place := self._places.get(partition)) is None:
            name = self._table.changelog_topic_name
            place = self._places[partition] = TopicPartition(name, partition)
        return producer.write(place, key, value, self.headers(partition), self)

    def is_newer(self, partition: int, key: bytes | None) -> bool:
        """Tell whether what was written since the group formed is newer than all that is read."""
        return (partition, key) in self._early

    async def claim(self, partition: int) -> None:
        """Have nothing count any more that former owners of a partition still write.

        What they wrote behind a claim before, and was left out when it was read, is written over:
        else it would be what compaction keeps.

        Raises:
            LeaseLostError: the partition may be another worker's by now.
            OvertakenError: another one wrote while the changelog was read, or just after that.
        """
        place = TP(self._table.changelog_topic_name, partition)
        store = self._table.local
        epoch = Epoch(store.fence(partition).epoch.number + 1, self._owner)
        self._headers[partition] = epoch.headers()
        claimed = await self._send(partition, CLAIM, b"null")
        if not store.claimed(place, epoch, claimed.offset):
            raise OvertakenError.of(place, claimed.offset)
        self._claimed.add(partition)
        late = store.late_keys(partition)
        await asyncio.gather(
            *(self.write(partition, key, store.raw(partition, key)) for key in late)
        )
        late.clear()

    def may_send(self) -> bool:
        """Tell whether the table's partitions are sure to be this worker's still."""
        app: Any = self._table.app
        held: bool = app.lease.holds(self.generation)
        return held

    def arrived(self, place: TopicPartition, first: int, last: int) -> None:
        """Note that the changelog has what was written."""
        # A late answer for a partition that has moved meanwhile must not mark what its new owner
        # wrote in between as present in the local store.
        app: Any = self._table.app
        moved = self.generation != app.consumer_generation_id
        if not moved and place in app.assignor.assigned_actives():
            self._table.local.arrived(TP(*place), first, last)
