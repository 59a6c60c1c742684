"""Example cases in a task's text: a call and the result that it must give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from aimesh.core.syntax import BUILTINS, names_bound, names_read, parsed_expression

MOST_CASES = 10
_MOST_LINES = 2_000
_LONGEST_LINE = 2_000
_MOST_ARROWS = 20

_ARROW = re.compile(r"=>|->|==>|→|⇒|➜|⟶|\s==\s|\s(?:should\s+)?(?:returns?|gives?)\s")
_LABEL = re.compile(
    r"^[\s>#*\-•\d.)(]*(?:\**\s*examples?(?:\s*(?:case)?\s*#?\d+)?\s*\**\s*:\s*\**)?\s*",
    re.IGNORECASE,
)
_ASSERT = re.compile(r"^\s*assert\s+")


@dataclass(frozen=True)
class Case:
    """A call and the result that it must give, both Python expressions."""

    call: str
    expected: str


def cases_of(text: str) -> tuple[Case, ...]:
    """Find the example cases in a task's text, the first ten at most, each once.

    A line such as ``Example: f([1, 2]) -> 3`` is one, with or without Markdown around it, with
    any usual arrow, or as an ``assert`` or a doctest. A line counts only when both of its sides
    are Python expressions which need nothing but the called functions and builtins.
    """
    lines = text.replace("\r\n", "\n").split("\n")[:_MOST_LINES]
    found: dict[Case, None] = {}
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if case := _case_in(line, following):
            found[case] = None
        if len(found) == MOST_CASES:
            break
    return tuple(found)


def _case_in(line: str, following: str) -> Case | None:
    if len(line) > _LONGEST_LINE or "(" not in line:
        return None
    if line.lstrip().startswith(">>>"):
        return _case(line.lstrip()[3:], following[:_LONGEST_LINE])
    stripped = _ASSERT.sub("", line)
    if stripped == line:
        stripped = _LABEL.sub("", line, count=1)
    for call, expected in _splits(stripped):
        if case := _case(call, expected):
            return case
    return None


def _splits(line: str) -> Iterator[tuple[str, str]]:
    for count, arrow in enumerate(_ARROW.finditer(line)):
        if count == _MOST_ARROWS:
            return
        yield line[: arrow.start()], line[arrow.end() :]


def _case(call_text: str, expected_text: str) -> Case | None:
    call, expected = _expression(call_text), _expression(expected_text)
    if call is None or expected is None:
        return None
    if not any(isinstance(node, ast.Call) for node in ast.walk(call[1])):
        return None
    if isinstance(expected[1], ast.Name | ast.Lambda):
        return None  # a type in a signature, or a description; never a value
    if _unknown_names(call[1]) or _unknown_names(expected[1]):
        return None
    return Case(call[0], expected[0])


def _expression(text: str) -> tuple[str, ast.expr] | None:
    """The text of a single Python expression without Markdown around it, and its tree."""
    # a backtick is never Python
    bare = text.strip().strip("*` ").rstrip(".,;").strip("*` ")
    try:
        tree = parsed_expression(bare)
    except SyntaxError:
        return None
    source = ast.get_source_segment(bare, tree)
    return (source, tree) if source else None


def _unknown_names(tree: ast.expr) -> set[str]:
    """Names that the expression reads without calling them, and that nothing defines."""
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return names_read(tree) - names_bound(tree) - called - BUILTINS
