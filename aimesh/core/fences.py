"""Fenced blocks in Markdown as models really write it."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field

MOST_BLOCKS = 200
_PYTHON_TAGS = frozenset({"python", "py", "python3", "py3", "pycon", "ipython"})
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*([\w+#.-]*)[ \t]*(.*)$")
_LIST_MARKS = " \t>*-•0123456789.)"


@dataclass(frozen=True)
class Block:
    """What stands between two fences, or after a fence that is never closed."""

    tag: str
    code: str
    closed: bool = True

    @property
    def python(self) -> bool:
        """Whether it says that it is Python."""
        return self.tag in _PYTHON_TAGS


@dataclass
class _Open:
    fence: str
    indent: int
    tag: str
    lines: list[str] = field(default_factory=list)

    def block(self, *, closed: bool) -> Block:
        return Block(self.tag, textwrap.dedent("\n".join(self.lines)).strip("\n"), closed)

    def closed_by(self, line: str) -> bool:
        bare = line.strip()
        return bare.startswith(self.fence) and not bare.strip(self.fence[0]) and self._near(line)

    def interrupted_by(self, line: str) -> bool:
        """Whether the line opens another block, so that this one lacks its closing fence."""
        bare = line.strip()
        return (
            bare.startswith(self.fence)
            and bare.lstrip(self.fence[0]).strip().isalnum()
            and self._near(line)
        )

    def _near(self, line: str) -> bool:
        # a fence that is indented more belongs to a docstring inside the code
        return _indent(line) <= self.indent + 3


def split_blocks(text: str) -> tuple[list[Block], str]:
    """Take the fenced blocks out of a text, the first 200 at most.

    A fence may be of ``` or ~~~, indented, on the line of some prose, closed at the end of a line
    of code, all on one line, or not closed at all.

    Returns:
        The blocks in order, and the text outside of them.
    """
    blocks: list[Block] = []
    prose: list[str] = []
    current: _Open | None = None
    for line in text.split("\n"):
        if current is not None and not current.interrupted_by(line):
            if _consume(current, line):
                blocks.append(current.block(closed=True))
                current = None
            continue
        if current is not None:
            blocks.append(current.block(closed=False))
            current = None
        if len(blocks) >= MOST_BLOCKS or not (match := _FENCE.search(line)):
            prose.append(line)
        elif inline := _inline(match):
            blocks.append(inline)
        elif _opens(line, match):
            current = _Open(match[1], _indent(line), match[2].lower())
        else:
            prose.append(line)
    if current is not None:
        blocks.append(current.block(closed=False))
    return blocks, "\n".join(prose)


def _consume(current: _Open, line: str) -> bool:
    """Add a line to an open block; whether it also closes the block."""
    if current.closed_by(line):
        return True
    if line.rstrip().endswith(current.fence) and line.strip() != current.fence:
        current.lines.append(line.rstrip().rstrip(current.fence[0]))
        return True
    current.lines.append(line)
    return False


def _opens(line: str, match: re.Match[str]) -> bool:
    before = line[: match.start()].strip(_LIST_MARKS)
    # after some prose, only a fence that ends the line; else it is prose about fences
    return not before or not match[3]


def _inline(match: re.Match[str]) -> Block | None:
    """A block whose both fences stand on one line."""
    inside, closing, _ = match.string[match.end(1) :].partition(match[1])
    if not closing or not inside.strip():
        return None
    first, _, rest = inside.strip().partition(" ")
    if first.lower() in _PYTHON_TAGS and rest:
        return Block(first.lower(), rest.strip())
    return Block("", inside.strip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
