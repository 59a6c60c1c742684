"""The newest of many numbers, each with its place in the order of everything."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator


class Order:
    """Numbers by their places, bounded: the oldest go.

    Arguments:
        keep: how many are kept at least; at most twice as many are.
    """

    __slots__ = ("_keep", "_numbers", "_ordinals", "dropped_to")

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._ordinals = array("q")
        self._numbers = array("q")
        #: The highest place that was dropped.
        self.dropped_to = 0

    def __len__(self) -> int:
        return len(self._ordinals)

    def append(self, ordinal: int, number: int) -> None:
        """Add a number whose place is after all others."""
        self._ordinals.append(ordinal)
        self._numbers.append(number)
        if len(self._ordinals) > 2 * self._keep:
            self.dropped_to = self._ordinals[self._keep - 1]
            del self._ordinals[: self._keep]
            del self._numbers[: self._keep]

    def after(self, ordinal: int) -> Iterator[tuple[int, int]]:
        """Iterate upwards over places after one, with their numbers."""
        for index in range(bisect_left(self._ordinals, ordinal + 1), len(self._ordinals)):
            yield self._ordinals[index], self._numbers[index]

    def newest(self, before: int | None = None) -> Iterator[tuple[int, int]]:
        """Iterate downwards over places below ``before``, with their numbers."""
        end = len(self._ordinals) if before is None else bisect_left(self._ordinals, before)
        for index in range(end - 1, -1, -1):
            yield self._ordinals[index], self._numbers[index]
