"""When tasks run out: numbers by their time, in little memory."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator

LAST = 1 << 40


class Expiries:
    """Numbers with the Unix time at which each runs out, to be taken out in about that order."""

    def __init__(self) -> None:
        # by whole second: the exact times, and the numbers
        self._seconds: dict[int, tuple[array[float], array[int]]] = {}
        self._order: list[int] = []

    def add(self, at: float, number: int) -> None:
        """Add a number that runs out at a time."""
        second = int(min(at, LAST))
        held = self._seconds.get(second)
        if held is None:
            held = self._seconds[second] = (array("d"), array("q"))
            heapq.heappush(self._order, second)
        held[0].append(at)
        held[1].append(number)

    def due(self, now: float) -> Iterator[int]:
        """Take out what has run out by now."""
        while self._order and self._order[0] <= now:
            second = heapq.heappop(self._order)
            for at, number in zip(*self._seconds.pop(second), strict=True):
                if at <= now:
                    yield number
                else:
                    self._later(at, number)
            if second in self._seconds:
                break  # the second is not over

    def _later(self, at: float, number: int) -> None:
        self.add(at, number)
