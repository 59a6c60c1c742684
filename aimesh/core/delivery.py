"""How far one partition of a log was delivered and acknowledged, and what is missing in between."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum

# How often a gap is read again before it is believed to be one of the log (transaction markers,
# compaction, retention), and not messages that were dropped on their way.
GAP_READINGS = 3


class Step(Enum):
    """What is to be done with a message that was read."""

    DELIVER = "deliver"
    DROP = "drop"
    READ_AGAIN = "read again"


class Delivery:
    """Sees to it that every offset is delivered in order, and none is passed by a commit unseen.

    Arguments:
        start: the offset to begin with; all before it are done.
    """

    def __init__(self, start: int) -> None:
        #: The next offset to deliver.
        self.expected = start
        #: Up to where a commit is on its way, or has arrived.
        self.claimed = start
        self._jumps: dict[int, int] = {}
        self._gap: tuple[int, int] | None = None
        self._readings = 0
        self._suspect: tuple[int, int] | None = None

    def meet(self, offset: int) -> Step:
        """Decide about a message that was read at this offset."""
        if offset < self.expected:
            return Step.DROP
        if offset > self.expected and self._jumps.get(self.expected) != offset:
            if not self._believes(offset):
                return Step.READ_AGAIN
            self._jumps[self.expected] = offset
        self.expected = offset + 1
        self._gap = None
        return Step.DELIVER

    def go_back(self, offset: int) -> None:
        """Expect messages from an earlier offset again."""
        self.expected = min(self.expected, offset)
        self._suspect = None

    def end_of_run(self, acknowledged: Collection[int]) -> int:
        """Return the offset behind the unbroken run of acknowledged ones."""
        offset = self.claimed
        while True:
            if offset in acknowledged:
                offset += 1
            elif offset in self._jumps:
                offset = self._jumps[offset]
            else:
                return offset

    def claim(self, offset: int) -> None:
        """Note that a commit of this offset is on its way."""
        self.claimed = offset
        self._jumps = {start: end for start, end in self._jumps.items() if start >= offset}

    def lost(
        self, position: int | None, acknowledged: Collection[int], is_held: Callable[[int], bool]
    ) -> int | None:
        """Tell from where to read again, when the same is missing at two looks in a row.

        Arguments:
            position: where the client reads next, None where that is unknown or what it has read
                is still being delivered.
            acknowledged: offsets that need not be delivered again.
            is_held: whether an offset was delivered to somebody who still has it.
        """
        first = self.end_of_run(acknowledged)
        if first < self.expected and not is_held(first):
            found = (first, self.expected)
        elif position is not None and position > self.expected:
            found = (self.expected, position)
        else:
            self._suspect = None
            return None
        if found != self._suspect:
            self._suspect = found
            return None
        self._suspect = None
        return self._settled(found)

    def _settled(self, found: tuple[int, int]) -> int | None:
        start, end = found
        if start < self.expected:
            return start
        # read, but never delivered; at the very end of a log it may be a gap of the log itself
        if not self._believes(end):
            return start
        self._jumps[start] = end
        self.expected = end
        self._gap = None
        return None

    def _believes(self, end: int) -> bool:
        gap = (self.expected, end)
        self._readings = self._readings + 1 if gap == self._gap else 1
        self._gap = gap
        return self._readings > GAP_READINGS
