"""Rows of lists, as JSON: made anew only where what they tell of has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar
from weakref import ref

import orjson

# rows that are longer are not kept: a task's body can be large
MOST_BYTES = 8192
MOST_ROWS = 2000

Key = TypeVar("Key", bound=Hashable)


class KeptRows(Generic[Key]):
    """Keeps the rows that were made last, of one of the observer's tables."""

    def __init__(self) -> None:
        self._of: ref[object] | None = None
        self._kept: dict[Key, tuple[Hashable, bytes]] = {}

    def row(
        self, table: object, key: Key, version: Hashable, make: Callable[[], dict[str, Any]]
    ) -> orjson.Fragment:
        """Return a row.

        Arguments:
            table: what it is made from; where that is another than before, tables were read anew.
            key: tells the row from all others.
            version: the same only where the row would be the same.
            make: makes the row.
        """
        if self._of is None or self._of() is not table:
            self._of = ref(table)
            self._kept.clear()
        kept = self._kept.get(key)
        if kept is not None and kept[0] == version:
            return orjson.Fragment(kept[1])
        row = orjson.dumps(make())
        if len(row) <= MOST_BYTES:
            if len(self._kept) >= MOST_ROWS:
                self._kept.clear()
            self._kept[key] = version, row
        return orjson.Fragment(row)
