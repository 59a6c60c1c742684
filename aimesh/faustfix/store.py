"""The tables' store on this worker's disk."""

from __future__ import annotations

import shutil
from typing import Any

from faust.stores.rocksdb import Store
from faust.types import TP


class MeshStore(Store):
    """RocksDB without stops of the event loop, and which a broken database does not end.

    Stock Faust collects all garbage of the process for every table at every rebalance, to be sure
    that databases are closed. Ours are closed when nothing refers to them, for no iterator is kept.
    """

    async def stop(self) -> None:
        """Close the databases."""
        self._dbs.clear()

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that were taken away."""
        for tp in tps:
            if tp.topic in table.changelog_topic.topics:
                self._dbs.pop(tp.partition, None)

    def _open_for_partition(self, partition: int) -> Any:
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
