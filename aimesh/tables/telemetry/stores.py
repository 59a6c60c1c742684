"""Where the tables' rows are: in the application's own tables, or in a folder that copies them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocksdict import BlockBasedOptions, Options, Rdict

from aimesh.faustfix import MeshApp, MeshTable
from aimesh.faustfix.store import BOUNDS, blocks
from aimesh.tables.telemetry.rows import Store
from aimesh.topics import CHANGELOG

SLICE = 500
PARTITION = 0
# two of these hold what is not yet written to files: much comes, into a single partition
WRITE_BUFFER_BYTES = 4 << 20


class TableStore(Store):
    """A store that is a table of an application.

    Arguments:
        app: the application.
        name: the table's.
        purpose: what the table is for.
    """

    def __init__(self, app: MeshApp, name: str, purpose: str) -> None:
        super().__init__()
        table = app.Table(
            name,
            partitions=1,
            key_type=str,
            value_type=bytes,
            extra_topic_configs=CHANGELOG,
            help=purpose,
            options={"write_buffer_size": WRITE_BUFFER_BYTES},
        )
        assert isinstance(table, MeshTable)
        self._table = table

    @property
    def changelog(self) -> str:
        """The topic that has every change."""
        return str(self._table.changelog_topic_name)

    def read(self, key: str) -> bytes | None:
        """Return the value under a key."""
        found: bytes | None = self._table.look(key, PARTITION)
        return found

    def _change(self, key: str, value: bytes | None) -> asyncio.Future[Any] | None:
        if value is not None:
            return self._table.put(key, value, PARTITION)
        return self._table.drop(key, PARTITION) if self.read(key) is not None else None

    def items(self) -> Iterator[list[tuple[str, bytes]]]:
        """Iterate over everything in slices: for reading state anew, and not for views."""
        after = b""
        while found := self._table.slice_after(after, SLICE, PARTITION):
            after = found[-1][0]
            yield [(key, value) for _, key, value in found]


class FolderStore(Store):
    """A store in a folder, of which Kafka knows nothing.

    Arguments:
        folder: a folder of its own, which is made.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        options = Options(raw_mode=True)
        options.set_write_buffer_size(WRITE_BUFFER_BYTES)
        options.set_max_write_buffer_number(BOUNDS["max_write_buffer_number"])
        tables = BlockBasedOptions()
        tables.set_block_cache(blocks())
        options.set_block_based_table_factory(tables)
        self._rows = Rdict(str(folder), options)

    def read(self, key: str) -> bytes | None:
        """Return the value under a key."""
        found: bytes | None = self._rows.get(key.encode())
        return found

    def _change(self, key: str, value: bytes | None) -> None:
        if value is None:
            self._rows.delete(key.encode())
        else:
            self._rows.put(key.encode(), value)

    def items(self) -> Iterator[list[tuple[str, bytes]]]:
        """Iterate over everything in slices."""
        after = b""
        while found := self._slice(after):
            after = found[-1][0]
            yield [(key.decode(), value) for key, value in found]

    def _slice(self, after: bytes) -> list[tuple[bytes, bytes]]:
        # no iterator outlives this call: one that is left open keeps the database locked
        found: list[tuple[bytes, bytes]] = []
        items = self._rows.iter()
        items.seek(after)
        while items.valid() and len(found) < SLICE:
            if items.key() != after:
                found.append((items.key(), items.value()))
            items.next()
        return found

    def close(self) -> None:
        """Let the folder go."""
        self._rows.close()
