"""The recent part of the feed, held in memory within bounds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from aimesh.core import vectors
from aimesh.core.vectors import Vector
from aimesh.services.feed.entries import FREQUENT, Entry

MOST_ENTRIES = 2000
MOST_BYTES = 20 << 20
MOST_OF_A_KIND = 1000
MOST_BYTES_OF_A_KIND = 4 << 20
MOST_KINDS = 32


class Keepsakes:
    """The newest entries of each kind, so that many of one do not push out the few of another."""

    def __init__(self) -> None:
        self._kinds: dict[str, deque[tuple[int, Entry]]] = {}
        self._bytes: dict[str, int] = {}

    def add(self, number: int, entry: Entry) -> None:
        """Keep an entry that is newer than all before; ``number`` orders entries of all kinds."""
        if not entry.kind or (entry.kind not in self._kinds and len(self._kinds) == MOST_KINDS):
            return
        kept = self._kinds.setdefault(entry.kind, deque())
        kept.append((number, entry))
        self._bytes[entry.kind] = self._bytes.get(entry.kind, 0) + entry.size
        while len(kept) > MOST_OF_A_KIND or (
            self._bytes[entry.kind] > MOST_BYTES_OF_A_KIND and len(kept) > 1
        ):
            self._bytes[entry.kind] -= kept.popleft()[1].size

    def add_older(self, older: Keepsakes) -> None:
        """Put keepsakes that are older than all of these before them, as far as there is room."""
        joined = Keepsakes()
        earlier = older._ordered()
        for number, (_, entry) in enumerate(earlier, self._first - len(earlier)):
            joined.add(number, entry)
        for number, entry in self._ordered():
            joined.add(number, entry)
        self._kinds, self._bytes = joined._kinds, joined._bytes

    def newest(self, most: int, wanted: Callable[[Entry], bool]) -> list[Entry]:
        """Return the newest wanted entries, of each kind at most ``most``, in order of arrival."""
        found: list[tuple[int, Entry]] = []
        for kept in self._kinds.values():
            count = 0
            for number, entry in reversed(kept):
                if count == most:
                    break
                if wanted(entry):
                    found.append((number, entry))
                    count += 1
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0])]

    @property
    def lasting(self) -> int:
        """How many entries are kept of the kinds that are not told all the time."""
        return sum(len(kept) for kind, kept in self._kinds.items() if kind not in FREQUENT)

    @property
    def _first(self) -> int:
        return min((kept[0][0] for kept in self._kinds.values() if kept), default=0)

    def _ordered(self) -> list[tuple[int, Entry]]:
        return sorted(
            (pair for kept in self._kinds.values() for pair in kept), key=lambda pair: pair[0]
        )


class Shelf:
    """Everything in the feed from ``start`` up to ``head``, and the newest of each kind.

    Entries are numbered in their order of arrival; those numbered ``first`` up to but not with
    ``next`` are here. When it gets too much, the oldest go and ``start`` moves.

    Arguments:
        tag: names the log that the entries come from.
        start: the position before the first entry.
    """

    def __init__(self, tag: str, start: Vector) -> None:
        self.tag = tag
        self.start = start
        self.head = start
        self.first = 0
        self.next = 0
        self.keepsakes = Keepsakes()
        self._entries: dict[int, Entry] = {}
        self._bytes = 0

    def add(self, entry: Entry) -> None:
        """Take in the next entry."""
        self._entries[self.next] = entry
        self._bytes += entry.size
        self.head = vectors.after(self.head, entry.partition, entry.offset)
        self.keepsakes.add(self.next, entry)
        self.next += 1
        while len(self._entries) > MOST_ENTRIES or self._bytes > MOST_BYTES:
            self._drop()

    def _drop(self) -> None:
        gone = self._entries.pop(self.first)
        self._bytes -= gone.size
        self.start = vectors.after(self.start, gone.partition, gone.offset)
        self.first += 1

    def get(self, number: int) -> Entry:
        """Return the entry with a number from ``first`` up to but not with ``next``."""
        return self._entries[number]
