"""The tables' store on this worker's disk."""

from __future__ import annotations

import shutil
from typing import Any

from faust.stores.rocksdb import Store
from faust.types import TP

# What every partition of every table may hold in memory, in bytes: two buffers of what is not yet
# written to files, and what was read from them. Stock Faust allows 192 MB and 2 GB.
BOUNDS = {
    "write_buffer_size": 4 << 20,
    "max_write_buffer_number": 2,
    "block_cache_size": 8 << 20,
}


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
