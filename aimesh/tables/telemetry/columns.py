"""What is kept in memory of every message: a few numbers each, in columns."""

from __future__ import annotations

from array import array

SHIFT = 12
SIZE = 1 << SHIFT
MASK = SIZE - 1


class Block:
    """The columns of some thousand messages in a row."""

    __slots__ = ("answer", "at", "chain", "group", "key", "ordinal", "state", "trace")

    def __init__(self) -> None:
        zeros = bytes(8 * SIZE)
        #: The place in the order of everything.
        self.ordinal = array("q", zeros)
        #: The number of the group: its queue and type.
        self.group = array("i", bytes(4 * SIZE))
        self.at = array("d", zeros)
        #: A task's hashed id, or that of the task which the message answers.
        self.key = array("q", zeros)
        #: Of tasks: how far they are, and their priority.
        self.state = array("B", bytes(SIZE))
        #: Of tasks: the number of the message that answered, plus one.
        self.answer = array("q", zeros)
        #: The next message of the same trace, plus one.
        self.chain = array("q", zeros)
        #: The number of the trace, 0 for none.
        self.trace = array("q", zeros)


class Columns:
    """Columns over messages with rising numbers, dropped at the old end block by block."""

    __slots__ = ("_blocks", "_low")

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._low = 0

    def at(self, number: int) -> tuple[Block, int]:
        """Return where a message's numbers are: a block, and the index in its columns."""
        block = self._blocks.get(number >> SHIFT)
        if block is None:
            block = self._blocks[number >> SHIFT] = Block()
        return block, number & MASK

    def drop_before(self, number: int) -> None:
        """Free the blocks that are wholly before a message."""
        low = number >> SHIFT
        while self._low < low:
            self._blocks.pop(self._low, None)
            self._low += 1

    def restore(self, number: int) -> None:
        """Begin anew with a message of this number."""
        self._blocks.clear()
        self._low = number >> SHIFT
