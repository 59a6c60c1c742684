"""Reading what a model answered: the code of a solution, the text of a task."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aimesh.core.cases import Case, cases_of
from aimesh.core.fences import split_blocks
from aimesh.core.programs import assembled, program, salvaged
from aimesh.core.text import cut, printable

__all__ = ["Case", "ParsedTask", "cases_of", "code_of", "task_of"]

# nothing useful is longer; keeps the time bounded whatever a model sends
LONGEST_ANSWER = 400_000
TASK_BYTES = 8_000
_SHORTEST_TASK = 20

_DEFINITION = re.compile(r"^\s*(?:async\s+def|def|class)\s+\w", re.MULTILINE)
_CHATTER = re.compile(
    r"(?:sure|okay|ok|certainly|of course|absolutely|here(?:'s|’s| is| are))\b.*[:!.]$",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"[\s#*_]*(?:coding\s+)?(?:task|problem|challenge|exercise)(?:\s+\d+)?[*_]*\s*:[*_]*\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{3}")


@dataclass(frozen=True)
class ParsedTask:
    """A task that a model proposed: its text, and the example cases in it."""

    text: str
    cases: tuple[Case, ...]


def code_of(answer: str) -> str | None:
    """Find the Python program in a model's answer, whatever the answer's shape.

    The best candidate that compiles wins; parts that need each other are joined. Where nothing
    compiles, a block that says it is Python is returned as it stands, so that running it shows
    its error. Only the first 400,000 characters are read.

    Returns:
        The program, ending in a newline, or None when the answer has no code.
    """
    answer = _normal(answer)
    spoken = _without_thoughts(answer)
    return _code_in(spoken) or (_code_in(answer) if spoken != answer else None)


def task_of(answer: str) -> ParsedTask | None:
    """Read the task that a model proposed, without its small talk, titles and solutions.

    Returns:
        The task with the example cases found in it, or None when there is hardly any text.
    """
    lines: list[str] = []
    for block in _parts(_without_thoughts(_normal(answer))):
        lines += [line.rstrip() for line in block.split("\n")]
    while lines and (not lines[0].strip("#*_- ") or _CHATTER.match(lines[0].strip())):
        lines.pop(0)
    if lines:
        lines[0] = _TITLE.sub("", lines[0], count=1).strip("#* ")
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if len(text) < _SHORTEST_TASK or not _WORD.search(text):
        return None
    text = cut(printable(text), TASK_BYTES)
    return ParsedTask(text, cases_of(text))


def _normal(answer: str) -> str:
    text = answer[:LONGEST_ANSWER].replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\ufeff", "").replace("\x00", "").replace("\u00a0", " ")


def _without_thoughts(answer: str) -> str:
    """The answer without what stands between <think> and </think>, where either may be missing."""
    kept: list[str] = []
    first, _, _ = answer.partition("<think>")
    if "</think>" in first:
        answer = answer.partition("</think>")[2]
    while answer:
        before, opened, rest = answer.partition("<think>")
        kept.append(before)
        answer = rest.partition("</think>")[2] if opened else ""
    return "".join(kept)


def _code_in(text: str) -> str | None:
    blocks, prose = split_blocks(text)
    read = [(block, program(block.code)) for block in blocks]
    # output such as "[1, 2]" compiles too; a block of another language may be Python all the same
    good = [
        part
        for block, part in read
        if part and part.acts and (block.python or not block.tag or part.defines)
    ]
    broken = [
        block
        for block, part in read
        if part is None and (block.python or (not block.tag and _DEFINITION.search(block.code)))
    ]
    if good and (not broken or any(part.defines for part in good)):
        return assembled(good)
    for block in broken:
        if not block.closed and (parts := salvaged(block.code)):
            return assembled([*good, *parts])
    if broken:
        return max((block.code for block in broken), key=len).rstrip() + "\n"
    if parts := [*good, *salvaged(prose)]:
        return assembled(parts)
    return None


def _parts(text: str) -> list[str]:
    """The text outside of blocks, with those blocks that hold no solution in their places."""
    blocks, prose = split_blocks(text)
    return [prose, *(block.code for block in blocks if not _DEFINITION.search(block.code))]
