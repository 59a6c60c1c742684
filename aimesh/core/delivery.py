"""How far one partition of a log was delivered and acknowledged, and what is missing in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from enum import Enum

# What the client did last: the offset that it was told to read from, and that of the first message
# which it has read since, None for none. It proves a gap to be one of the log (transaction markers,
# compaction, retention), and not messages that were dropped on their way from the client.
Reading = tuple[int, int | None]


class Course:
    """What a client handed out of a log in a row: it proves which offsets are not in the log.

    A log has gaps of its own (compaction leaves a lot of them), in which the client finds nothing.
    Any other offset that is missing further on was dropped on its way from the client.

    Arguments:
        start: the offset that the client was told to read from.
    """

    def __init__(self, start: int) -> None:
        self._next = start
        self._gaps: dict[int, int] = {}

    def hand(self, offsets: Iterable[int]) -> None:
        """Note offsets that the client hands out."""
        for offset in offsets:
            if offset != self._next:
                self._gaps[self._next] = offset
            self._next = offset + 1

    def is_gap(self, start: int, end: int) -> bool:
        """Tell whether the log has nothing from ``start`` up to, but not including, ``end``."""
        return start == end or self._gaps.pop(start, None) == end


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
        self._suspect: tuple[int, int] | None = None

    def meet(self, offset: int, reading: Reading | None) -> Step:
        """Decide about a message that was read at this offset."""
        if offset < self.expected:
            return Step.DROP
        if offset > self.expected:
            known = self._jumps.get(self.expected) == offset
            if not known and reading != (self.expected, offset):
                return Step.READ_AGAIN
            self._jumps[self.expected] = offset
        self.expected = offset + 1
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
        self,
        position: int | None,
        reading: Reading | None,
        acknowledged: Collection[int],
        is_held: Callable[[int], bool],
    ) -> int | None:
        """Tell from where to read again, when the same is missing at two looks in a row.

        Arguments:
            position: where the client reads next, None where that is unknown or what it has read
                is still being delivered.
            reading: what the client did last.
            acknowledged: offsets that need not be delivered again.
            is_held: whether an offset was delivered to somebody who still has it.
        """
        start = self.end_of_run(acknowledged)
        if start < self.expected and not is_held(start):
            found = (start, self.expected)
        elif position is not None and position > self.expected:
            start = self.expected
            found = (start, position)
        else:
            self._suspect = None
            return None
        if found != self._suspect:
            self._suspect = found
            return None
        self._suspect = None
        if start == self.expected and reading == (start, None):
            # the client went on without reading anything: the log has nothing there
            self._jumps[start] = self.expected = found[1]
            return None
        return start
