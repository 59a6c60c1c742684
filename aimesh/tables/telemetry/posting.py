"""Sorted numbers that grow at the new end and shrink at the old one: what an index is made of."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator

TRIM = 1024


class Posting:
    """Ascending numbers, eight bytes each."""

    __slots__ = ("_head", "_numbers", "dropped")

    def __init__(self) -> None:
        self._numbers = array("q")
        self._head = 0
        #: How many numbers were dropped at the old end.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._numbers) - self._head

    def append(self, number: int) -> None:
        """Add a number that is larger than all before."""
        self._numbers.append(number)

    def insert(self, number: int) -> None:
        """Add a number wherever it belongs."""
        if not len(self) or number > self._numbers[-1]:
            self._numbers.append(number)
        else:
            insort(self._numbers, number, self._head)

    def remove(self, number: int) -> None:
        """Take a number out; nothing happens where it is not in."""
        place = bisect_left(self._numbers, number, self._head)
        if place == self._head:
            if len(self) and self._numbers[place] == number:
                self.drop_first()
        elif place < len(self._numbers) and self._numbers[place] == number:
            self._numbers.pop(place)

    def first(self) -> int | None:
        """Return the smallest number, None where there is none."""
        return self._numbers[self._head] if len(self) else None

    def drop_first(self) -> None:
        """Drop the smallest number."""
        self._head += 1
        self.dropped += 1
        if self._head >= TRIM and self._head * 2 > len(self._numbers):
            del self._numbers[: self._head]
            self._head = 0

    def drop_before(self, number: int) -> None:
        """Drop all numbers before one."""
        while (first := self.first()) is not None and first < number:
            self.drop_first()

    def newest(self, before: int | None = None) -> Iterator[int]:
        """Iterate downwards, over the numbers below ``before``."""
        numbers, head = self._numbers, self._head
        place = len(numbers) if before is None else bisect_left(numbers, before, head)
        return map(numbers.__getitem__, range(place - 1, head - 1, -1))

    def oldest(self, start: int | None = None) -> Iterator[int]:
        """Iterate upwards, from ``start`` on."""
        numbers, head = self._numbers, self._head
        place = head if start is None else bisect_left(numbers, start, head)
        return map(numbers.__getitem__, range(place, len(numbers)))

    def count_from(self, number: int) -> int:
        """Return how many numbers there are from one on."""
        return len(self._numbers) - bisect_left(self._numbers, number, self._head)

    def place_of(self, number: int) -> int:
        """Return how many numbers ever came before one."""
        return bisect_left(self._numbers, number, self._head) - self._head + self.dropped
