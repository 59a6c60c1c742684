"""Numbered rows in pages: one table write holds many rows, and one read brings many.

Rows only ever are appended, and dropped at the old end. A page is written again while it fills.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

# what pages that were read are kept for the next reader
CACHE_BYTES = 12 << 20


class Store(ABC):
    """Values by keys, with the pages that were read last kept at hand."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, list[bytes]] = OrderedDict()
        self._bytes = 0

    @abstractmethod
    def read(self, key: str) -> bytes | None:
        """Return the value under a key."""

    @abstractmethod
    def items(self) -> Iterator[list[tuple[str, bytes]]]:
        """Iterate over everything in slices: for reading state anew, and not for views."""

    @abstractmethod
    def _change(self, key: str, value: bytes | None) -> asyncio.Future[Any] | None:
        """Set a key, or remove it; a future is done when the change is safe."""

    def page(self, key: str) -> list[bytes]:
        """Return the rows of the page under a key; empty where there is none."""
        if (rows := self._pages.get(key)) is not None:
            self._pages.move_to_end(key)
            return rows
        value = self.read(key)
        if value is None:
            return []
        rows = self._pages[key] = value.split(b"\n")
        self._bytes += len(value)
        while self._bytes > CACHE_BYTES:
            self._bytes -= _size(self._pages.popitem(last=False)[1])
        return rows

    def write(self, key: str, value: bytes | None) -> asyncio.Future[Any] | None:
        """Set a key, or remove it; a future is done when the change is safe."""
        if (rows := self._pages.pop(key, None)) is not None:
            self._bytes -= _size(rows)
        return self._change(key, value)

    def forget(self) -> None:
        """Drop what is kept at hand."""
        self._pages.clear()
        self._bytes = 0


def packed(value: Any) -> bytes:
    """Return a value as JSON in bytes of its very size: orjson's own have some 4 KB of slack."""
    return memoryview(orjson.dumps(value)).tobytes()


def _size(rows: list[bytes]) -> int:
    return sum(map(len, rows)) + len(rows) - 1


class Roll:
    """Rows numbered from ``low`` up to but not with ``next``, in pages of a store.

    Arguments:
        store: where the pages are.
        name: the first part of the pages' keys.
        per_page: rows of a page.
    """

    __slots__ = ("_per_page", "_tail", "_unwritten", "_writing", "low", "name", "next", "store")

    def __init__(self, store: Store, name: str, per_page: int) -> None:
        self.store = store
        self.name = name
        self._per_page = per_page
        self.low = 0
        self.next = 0
        # pages with rows that are not written yet, and those that are being written
        self._unwritten: dict[int, list[bytes]] = {}
        self._writing: dict[int, list[bytes]] = {}
        # the page that is being filled; None where it must be read first
        self._tail: list[bytes] | None = []

    def restore(self, low: int, end: int) -> None:
        """Take on what the tables have: rows from ``low`` up to but not with ``end``."""
        self.low, self.next = low, end
        self._tail = None if end % self._per_page else []

    def key(self, page: int) -> str:
        """Return the key of a page."""
        return f"{self.name}/{page}"

    def append(self, row: bytes) -> int:
        """Add a row, without newlines; return its number."""
        number, filled = self.next, self.next % self._per_page
        if self._tail is None:
            # the page may have rows that a crash left behind, which come once more
            self._tail = self.store.page(self.key(number // self._per_page))[:filled]
        elif not filled:
            self._tail = []
        self._tail.append(row)
        self._unwritten[number // self._per_page] = self._tail
        self.next = number + 1
        return number

    def rows(self, numbers: Iterable[int]) -> list[bytes]:
        """Return rows by their numbers; those that are not there are left out."""
        found: list[bytes] = []
        page, rows = -1, []
        for number in numbers:
            if number // self._per_page != page:
                page = number // self._per_page
                rows = self._page(page)
            if self.low <= number < self.next and number % self._per_page < len(rows):
                found.append(rows[number % self._per_page])
        return found

    def _page(self, page: int) -> list[bytes]:
        if self._tail and page == (self.next - 1) // self._per_page:
            return self._tail
        for held in (self._unwritten, self._writing):
            if (rows := held.get(page)) is not None:
                return rows
        return self.store.page(self.key(page))

    def drop_before(self, number: int) -> list[str]:
        """Drop the rows before a number; return the keys of pages that are no longer needed."""
        before, self.low = self.low // self._per_page, number
        gone = range(before, number // self._per_page)
        for page in gone:
            self._unwritten.pop(page, None)
        return [self.key(page) for page in gone]

    def take_unwritten(self) -> Iterator[tuple[str, list[bytes]]]:
        """Return pages to be written, each with its key and rows; tell `written` afterwards."""
        self._writing, self._unwritten = self._unwritten, {}
        for page, rows in self._writing.items():
            yield self.key(page), rows

    def written(self) -> None:
        """Note that the pages of the last `take_unwritten` can be read from the store."""
        self._writing = {}
