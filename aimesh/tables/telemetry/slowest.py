"""Traces by how long they took, so that the slowest are found without a look at all of them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator

from aimesh.tables.telemetry.posting import Posting

# traces that go on are held together by this many seconds of their beginning,
BEGUN_SECONDS = 10
# and those that have ended by how long they took: so many steps to twice as long
STEPS = 32

Index = dict[int, Posting]
# tells the milliseconds of the trace with a number
Took = Callable[[int], float]


class Slowest:
    """The numbers of traces, those that go on apart from those that have ended."""

    def __init__(self) -> None:
        self._begun: Index = {}
        self._ended: Index = {}

    def begin(self, number: int, started: float) -> None:
        """Add a trace that goes on since a Unix time."""
        self._begun.setdefault(_begun(started), Posting()).insert(number)

    def go_on(self, number: int, started: float) -> None:
        """Take out a trace that went on."""
        _remove(self._begun, _begun(started), number)

    def end(self, number: int, duration: float) -> None:
        """Add a trace that has ended after so many milliseconds."""
        self._ended.setdefault(_ended(duration), Posting()).insert(number)

    def reopen(self, number: int, duration: float) -> None:
        """Take out a trace that had ended."""
        _remove(self._ended, _ended(duration), number)

    def count(self, least: float, now: float, took: Took) -> int:
        """Return how many traces took so many milliseconds, or go on for so long."""
        begun, ended = _begun(now - least / 1000), _ended(least)
        whole = [posting for key, posting in self._begun.items() if key < begun]
        whole += [posting for key, posting in self._ended.items() if key > ended]
        parts = (self._begun.get(begun), self._ended.get(ended))
        inside = (number for part in parts if part for number in part.oldest())
        return sum(map(len, whole)) + sum(took(number) >= least for number in inside)

    def find(self, limit: int, took: Took) -> list[tuple[float, int]]:
        """Return the milliseconds and the numbers of the slowest traces, the slowest first."""
        begun = _first(limit, self._begun, sorted(self._begun))
        ended = _first(limit, self._ended, sorted(self._ended, reverse=True))
        return heapq.nlargest(limit, ((took(n), n) for found in (begun, ended) for n in found))


def _begun(started: float) -> int:
    return int(started // BEGUN_SECONDS)


def _ended(duration: float) -> int:
    return int(STEPS * math.log2(1 + max(0.0, duration)))


def _remove(index: Index, key: int, number: int) -> None:
    posting = index[key]
    posting.remove(number)
    if not len(posting):
        del index[key]


def _first(limit: int, index: Index, keys: Iterable[int]) -> Iterator[int]:
    """Yield all numbers under the first of some keys: as many keys as it takes to a limit."""
    count = 0
    for key in keys:
        if count >= limit:
            return
        count += len(index[key])
        yield from index[key].oldest()
