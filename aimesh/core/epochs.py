"""Whose writes to a table count: every owner of a partition writes with a higher epoch than before.

A worker that was stopped, and goes on after its partition was given to another one, may write what
it had in hand before it hears of that. No look at a clock can rule that out, for it may be stopped
between the look and the write. So the one who reads decides. Whoever gets a partition reads its
changelog and claims it with a record of the next epoch; every record carries its writer's epoch;
and what stands behind a claim with an earlier epoch does not count. Kafka tells former leaders of a
partition apart in the same way (leader epochs, KIP-101).
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

HEADER = "epoch"
# the key of claims, as tables write their keys: JSON
CLAIM = b'"\\u0000claim"'
_LAYOUT = Struct(">Q8s")


class Epoch(NamedTuple):
    """An owner's time with a partition: its number, and eight bytes that no other owner has.

    Two workers may choose the same number when one is stopped in the middle of its claim; the claim
    that the log has first holds.
    """

    number: int
    owner: bytes

    def __bytes__(self) -> bytes:
        return _LAYOUT.pack(*self)

    @classmethod
    def of(cls, value: bytes) -> Epoch | None:
        """Return the epoch that some bytes stand for, None where they are none."""
        return cls(*_LAYOUT.unpack(value)) if len(value) == _LAYOUT.size else None

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the headers of what is written in this epoch."""
        return [(HEADER, bytes(self))]


NONE = Epoch(0, bytes(8))


class Fence:
    """The latest epoch that a reader has met in a partition, and so what counts from there on.

    Arguments:
        epoch: the latest one of what was read before.
    """

    def __init__(self, epoch: Epoch = NONE) -> None:
        self.epoch = epoch

    def counts(self, key: bytes | None, headers: Iterable[tuple[str, bytes]] | None) -> bool:
        """Tell whether the next record changes the table; neither claims nor late writes do.

        A record without an epoch does: it is of a version that wrote none.
        """
        return self.admits(headers) and key != CLAIM

    def admits(self, headers: Iterable[tuple[str, bytes]] | None) -> bool:
        """Tell whether the next record is one of the partition's owner, who may be a new one."""
        written = next((value for name, value in headers or () if name == HEADER), b"")
        if (epoch := Epoch.of(written)) is None:
            return True
        if epoch.number > self.epoch.number:
            self.epoch = epoch
        return epoch == self.epoch
