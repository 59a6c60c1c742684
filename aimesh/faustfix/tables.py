"""Tables whose writes can be waited for, and to which only the owner of their partition writes."""

from __future__ import annotations

import asyncio
import gc
import shutil
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import faust
from faust import streams
from faust.types import TP, EventT
from faust.types.tuples import FutureMessage

from aimesh.errors import TooLargeError
from aimesh.faustfix.store import BOUNDS, MeshStore
from aimesh.faustfix.table_writer import TableWriter
from aimesh.topics import MOST_RECORD_BYTES


class MeshTable(faust.Table[Any, Any]):
    """A table with text keys, whose changelog writes are futures, addressed by partition.

    The caller must know that this worker owns the partition that it names. Where it names none,
    that of the stream's current event counts, or that given to `writing_for`.
    """

    _current: TableWriter | None = None

    def put(self, key: str, value: Any, partition: int | None = None) -> asyncio.Future[Any]:
        """Set a key; the future is done when the broker has the change.

        Raises:
            TooLargeError: the record would be larger than the broker takes; nothing is changed.
        """
        return self._change(key, self.local._encode_value(value), partition)

    def drop(self, key: str, partition: int | None = None) -> asyncio.Future[Any]:
        """Remove a key; the future is done when the broker has the change."""
        return self._change(key, None, partition)

    def look(self, key: str, partition: int) -> Any:
        """Return a key's value, None where it has none."""
        value = self._db(partition).get(self.local._encode_key(key))
        return None if value is None else self.local._decode_value(value)

    def slice_after(self, after: bytes, limit: int, partition: int) -> list[tuple[bytes, str, Any]]:
        """Return the next items of a partition in the order of their stored keys.

        Arguments:
            after: the stored key behind which to begin; empty for the beginning.
            limit: how many at most; it all happens before anything else can run.

        Returns:
            Stored key, key and value of each item.
        """
        store = self.local
        found: list[tuple[bytes, str, Any]] = []
        # no iterator outlives this call: one that is left open keeps the database locked
        items = self._db(partition).iter()
        items.seek(after)
        while items.valid() and len(found) < limit:
            raw = items.key()
            if raw not in (after, store.offset_key, store.epoch_key):
                value = store._decode_value(items.value())
                found.append((raw, store._decode_key(raw), value))
            items.next()
        return found

    @property
    def local(self) -> MeshStore:
        """What this worker's disk has of the table."""
        return cast(MeshStore, self.data)

    def _new_store_by_url(self, url: Any) -> MeshStore:
        return MeshStore(
            url,
            self.app,
            self,
            table_name=self.name,
            key_type=self.key_type,
            value_type=self.value_type,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            options=BOUNDS | dict(self.options or {}),
        )

    def _db(self, partition: int) -> Any:
        return self.local._db_for_partition(partition)

    def _change(self, key: str, value: bytes | None, partition: int | None) -> asyncio.Future[Any]:
        if partition is None:
            partition = self.partition_for_key(key)
            assert partition is not None
        raw = self.local._encode_key(key)
        if (size := len(raw) + len(value or b"")) > MOST_RECORD_BYTES:
            raise TooLargeError.of(self.changelog_topic_name, size, MOST_RECORD_BYTES)
        database = self._db(partition)
        # in this order: what the changelog has is never missing here
        if value is None:
            database.delete(raw)
        else:
            database.put(raw, value)
        return self.writer().write(partition, raw, value)

    def writer(self) -> TableWriter:
        """Return who writes for this table in the group's present generation."""
        generation = self.app.consumer_generation_id
        if self._current is None or self._current.generation != generation:
            self._current = TableWriter(self, generation)
        return self._current

    def _verify_source_topic_partitions(self, source_topic: str) -> None:
        """Nothing: the root checks the broker's word at the start.

        Faust compares what its consumer knew of the topics when the group formed, which for a
        topic that was made just before may be that it has no partitions at all, for good.
        """

    def send_changelog(
        self,
        partition: int | None,
        key: Any,
        value: Any,
        key_serializer: Any = None,
        value_serializer: Any = None,
    ) -> FutureMessage:
        """Send a change to the changelog."""
        assert partition is not None
        writer = self.writer()
        sent: Any = self.changelog_topic.send_soon(
            key=key,
            value=value,
            partition=partition,
            headers=writer.headers(partition),
            key_serializer=key_serializer or self.key_serializer,
            value_serializer=value_serializer or self.value_serializer,
            callback=self._on_changelog_sent,
            eager_partitioning=True,
        )
        sent.writer = writer
        return sent  # type: ignore[no-any-return]

    def _on_changelog_sent(self, fut: Any) -> None:
        sent = fut.result()
        fut.writer.arrived(sent.topic_partition, sent.offset, sent.offset)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Take records of this table's changelog into the local store.

        Stock Faust hands records of partitions that have just moved away to whichever table had
        the record before.
        """
        own, writer = self.changelog_topic_name, self.writer()
        super().apply_changelog_batch(
            event
            for event in batch
            if event.message.topic == own
            and not writer.is_newer(event.message.partition, event.message.key)
        )

    def drop_local(self, tp: TP) -> None:
        """Drop what this worker's disk has of a changelog's partition; it is read again."""
        store = self.local
        store._dbs.pop(tp.partition, None)
        store._key_index.clear()
        gc.collect()  # the database is closed only when nothing refers to it
        shutil.rmtree(store.partition_path(tp.partition), ignore_errors=True)


class Position:
    """Stands in for an event where a table is used outside of a stream's iteration."""

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
