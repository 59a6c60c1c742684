"""Positions in a log of several partitions, and how they are written in an event's id.

A vector holds the next offset to read of every partition. An id is a vector with a tag that says
which log it belongs to, since the offsets of a log that was made anew mean something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Vector = tuple[int, ...]
Span = tuple[int, int]

_ID = re.compile(r"([0-9a-z]{1,32})-([0-9]{1,19}(?:\.[0-9]{1,19}){0,999})")
_MOST = 2**63 - 1


@dataclass(frozen=True)
class Place:
    """A position in the log that ``tag`` names."""

    tag: str
    vector: Vector

    def encode(self) -> str:
        """Return the place as an id: digits, small letters, dots and one hyphen."""
        return f"{self.tag}-{'.'.join(map(str, self.vector))}"

    @classmethod
    def decode(cls, text: str) -> Place | None:
        """Return the place that an id names, None where the text is no id."""
        match = _ID.fullmatch(text)
        if match is None:
            return None
        vector = tuple(int(number) for number in match[2].split("."))
        return cls(match[1], vector) if max(vector) <= _MOST else None


def after(vector: Vector, partition: int, offset: int) -> Vector:
    """Return the position after an event: what is before it in its partition counts as seen."""
    reached = max(vector[partition], offset + 1)
    return (*vector[:partition], reached, *vector[partition + 1 :])


def merged(one: Vector, other: Vector) -> Vector:
    """Return the position that is the farther one in every partition."""
    return tuple(map(max, one, other))


def covers(start: Vector, position: Vector) -> bool:
    """Tell whether a log that begins at ``start`` has everything from ``position`` on."""
    return all(have <= wanted for have, wanted in zip(start, position, strict=True))


def missing(position: Vector, start: Vector) -> dict[int, Span]:
    """Return the offsets of each partition from ``position`` up to but not with ``start``.

    Partitions in which ``position`` has reached ``start`` are left out.
    """
    pairs = enumerate(zip(position, start, strict=True))
    return {partition: (low, high) for partition, (low, high) in pairs if low < high}


def count(spans: Mapping[int, Span]) -> int:
    """Return how many offsets there are in spans."""
    return sum(high - low for low, high in spans.values())


def newest(vector: Vector, most: int) -> Vector:
    """Return the position ``most`` offsets before ``vector`` in every partition."""
    return tuple(max(0, offset - most) for offset in vector)


def before(head: Vector, events: Iterable[tuple[int, int]]) -> Vector:
    """Return the position before the first of some events, each a partition and an offset.

    A partition without any stands at ``head``.
    """
    vector = list(head)
    for partition, offset in events:
        vector[partition] = min(vector[partition], offset)
    return tuple(vector)
