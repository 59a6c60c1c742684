"""The tables' store on this worker's disk."""

from __future__ import annotations

import shutil
from functools import cache
from typing import Any

from faust.stores.rocksdb import RocksDBOptions, Store
from faust.types import TP
from rocksdict import BlockBasedIndexType, BlockBasedOptions, Cache, Options

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
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rocksdb_options = MeshOptions(**dict(self.options or {}), use_rocksdict=True)
        # by partition: the offset up to which this copy has all of the changelog
        self._has: dict[int, int] = {}

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note that this copy has all of a changelog's partition up to an offset."""
        super().set_persisted_offset(tp, offset)
        self._has[tp.partition] = offset

    def arrived(self, tp: TP, first: int, last: int) -> None:
        """Note that the changelog has own writes from one offset to another.

        Where another worker has written before them, its writes are missing here, and all from
        there on is read again at the next recovery.
        """
        has = self._has.get(tp.partition)
        if has is None:
            persisted = self.persisted_offset(tp)
            has = -1 if persisted is None else persisted
        if first <= has + 1:
            self.set_persisted_offset(tp, max(has, last))

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
