"""The tables' store on this worker's disk."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from faust.stores.rocksdb import RocksDBOptions, Store
from faust.types import TP, EventT
from rocksdict import BlockBasedIndexType, BlockBasedOptions, Cache, Options, WriteBatch

from aimesh import codec
from aimesh.core.epochs import CLAIM, NONE, Epoch, Fence

# What every partition of every table may hold in memory of what is not yet written to files, in
# bytes: two buffers of these. A worker with all roles has some sixty. Stock Faust allows 192 MB.
BOUNDS = {"write_buffer_size": 1 << 20, "max_write_buffer_number": 2}
# And what is kept of files that were read, for all of them (stock Faust: 2 GB for each). The system
# keeps the files themselves, so more of it saves little.
CACHE_BYTES = 8 << 20


@cache
def blocks() -> Cache:
    """Return the one cache of blocks that all databases of this process share."""
    return Cache(CACHE_BYTES)


class MeshOptions(RocksDBOptions):
    """Settings of a database that reads through the cache of all tables."""

    def as_options(self) -> Options:
        """Return them as the database takes them."""
        options: Options = super().as_options()
        tables = BlockBasedOptions()
        tables.set_bloom_filter(self.bloom_filter_size, block_based=True)
        tables.set_index_type(BlockBasedIndexType.binary_search())
        tables.set_block_cache(blocks())
        options.set_block_based_table_factory(tables)
        return options


class MeshStore(Store):
    """RocksDB without stops of the event loop, and which a broken database does not end.

    Stock Faust collects all garbage of the process for every table at every rebalance, to be sure
    that databases are closed. Ours are closed when nothing refers to them, for no iterator is kept.

    It also takes its copy for as new as its own last write. But a worker that was stopped for long
    writes on, as long as it does not know that its partition is another one's: then what that one
    wrote in between would never be read here.

    And it takes all that it reads for true. What a former owner wrote after its time is left out.
    """

    #: Where a partition's latest epoch is kept, beside its offset.
    epoch_key = b"__aimesh\0epoch__"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rocksdb_options = MeshOptions(**dict(self.options or {}), use_rocksdict=True)
        # by partition: the offset up to which this copy has all of the changelog
        self._has: dict[int, int] = {}
        # the last own writes behind something that is not read yet, from one offset to another
        self._ahead: dict[int, tuple[int, int]] = {}
        self._fences: dict[int, Fence] = {}
        self._late: defaultdict[int, set[bytes]] = defaultdict(set)

    # as stock Faust does it, without a look through its registry of codecs for each

    def _encode_key(self, key: str) -> bytes:
        return codec.dumps(key)

    def _decode_key(self, key: bytes | None) -> str:
        text: str = codec.loads(key or b"")
        return text

    def _encode_value(self, value: Any) -> bytes:
        return value if isinstance(value, bytes) else codec.dumps(value)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note that this copy has all of a changelog's partition up to an offset."""
        noted = WriteBatch(raw_mode=True)
        noted.put(self.offset_key, str(offset).encode())
        noted.put(self.epoch_key, bytes(self.fence(tp.partition).epoch))
        self._db_for_partition(tp.partition).write(noted)
        self._has[tp.partition] = offset

    def fence(self, partition: int) -> Fence:
        """Return what tells whose records of a partition count, behind the persisted offset."""
        database = self._db_for_partition(partition)
        if (fence := self._fences.get(partition)) is None:
            noted = database.get(self.epoch_key)
            fence = self._fences[partition] = Fence(Epoch.of(noted or b"") or NONE)
        return fence

    def read_up_to(self, tp: TP, offset: int) -> None:
        """Note that all there is of a partition was read; compaction may leave nothing at the end.

        Arguments:
            offset: the last that there was.
        """
        first, last = self._ahead.pop(tp.partition, (0, -1))
        reached = max(offset, self._reached(tp))
        self.set_persisted_offset(tp, max(reached, last) if first <= reached + 1 else reached)

    def claimed(self, tp: TP, epoch: Epoch, offset: int) -> bool:
        """Note that a partition was claimed at an offset, unless not all before it was read."""
        if (has := self._reached(tp)) < offset:
            return False
        self.fence(tp.partition).epoch = epoch
        self.set_persisted_offset(tp, has)
        return True

    def late_keys(self, partition: int) -> set[bytes]:
        """Return the stored keys of what was left out, until it is written over."""
        return self._late[partition]

    def raw(self, partition: int, key: bytes) -> bytes | None:
        """Return what is stored under a key, as it is."""
        found: bytes | None = self._db_for_partition(partition).get(key)
        return found

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Any, to_value: Any
    ) -> None:
        """Take what counts of a changelog's next records."""
        events = list(batch)
        super().apply_changelog_batch(
            [event for event in events if self._counts(event.message)], to_key, to_value
        )
        for tp, offset in {event.message.tp: event.message.offset for event in events}.items():
            self.set_persisted_offset(tp, offset)

    def _counts(self, message: Any) -> bool:
        fence = self.fence(message.partition)
        if not (admitted := fence.admits(message.headers)):
            self._late[message.partition].add(message.key)
        return admitted and message.key != CLAIM

    def arrived(self, tp: TP, first: int, last: int) -> None:
        """Note that the changelog has own writes from one offset to another.

        Where another worker has written before them, its writes are missing here, and all from
        there on is read again at the next recovery.
        """
        if first <= (has := self._reached(tp)) + 1:
            self.set_persisted_offset(tp, max(has, last))
        else:
            begin, end = self._ahead.get(tp.partition, (first, first - 1))
            self._ahead[tp.partition] = (begin if end + 1 == first else first, last)

    def _reached(self, tp: TP) -> int:
        if (has := self._has.get(tp.partition)) is None:
            persisted = self.persisted_offset(tp)
            has = -1 if persisted is None else persisted
        return has

    def _visible_keys(self, db: Any) -> Iterator[bytes]:
        return (key for key in super()._visible_keys(db) if key != self.epoch_key)

    def _visible_items(self, db: Any) -> Iterator[tuple[bytes, bytes]]:
        return (item for item in super()._visible_items(db) if item[0] != self.epoch_key)

    async def stop(self) -> None:
        """Close the databases."""
        self._dbs.clear()

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that were taken away."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._dbs.pop(tp.partition, None)

    def _open_for_partition(self, partition: int) -> Any:
        self._has.pop(partition, None)
        self._ahead.pop(partition, None)
        self._fences.pop(partition, None)
        try:
            return super()._open_for_partition(partition)
        except Exception as exc:
            if "Corruption" not in str(exc):
                raise
            # as a full disk or a machine that failed may leave it; its changelog has everything
            path = self.partition_path(partition)
            self.log.warning("%s is broken and is read again: %s", path, exc)
            shutil.rmtree(path)
            return super()._open_for_partition(partition)
