"""Telling programs from prose, and putting the parts of one program together."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from aimesh.core.syntax import BUILTINS, names_bound, names_read, parsed_program

_TEST_MODULES = frozenset({"unittest", "pytest", "doctest"})
_MOST_COMPILES = 60
_LONGEST_UNFENCED = 64_000
_START = re.compile(
    r"(?:async\s+def|def|class)\s+\w|(?:from\s+[\w.]+\s+)?import\s+\w|@\w|print\(|if\s+__name__"
    r"|for\s+\w.*:\s*$|while\s.*:\s*$|with\s.*:\s*$|\w+(?:\s*:\s*[\w\[\], .]+)?\s*=\s*\S"
)


@dataclass(frozen=True)
class Program:
    """A piece of Python that compiles, and what must be known to join it with others."""

    code: str
    defines: frozenset[str]
    """Functions and classes at its top level."""
    provides: frozenset[str]
    """Every name that it binds at its top level."""
    needs: frozenset[str]
    """Names that it reads and that neither it nor Python provides."""
    acts: bool
    """Whether it does anything; the bare word of some prose also compiles."""
    test: bool
    """Whether it only tests code that stands elsewhere."""
    portable: bool
    """Whether it imports nothing but the standard library, and asks nobody for input."""


def program(code: str) -> Program | None:
    """Read a piece of text as Python; None when it does not compile."""
    try:
        tree = parsed_program(code)
    except SyntaxError:
        return None
    defines = frozenset(
        item.name
        for item in tree.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    flat = [item for item in tree.body if getattr(item, "name", None) not in defines]
    read, modules = names_read(tree), _modules(tree)
    return Program(
        code=code.rstrip() + "\n",
        defines=defines,
        provides=defines.union(*(names_bound(item) for item in flat)),
        needs=frozenset(read - names_bound(tree) - BUILTINS - {"__name__", "__file__"}),
        acts=any(_acts(item) for item in tree.body),
        test=_only_tests(tree, defines, modules),
        portable=modules <= sys.stdlib_module_names and "input" not in read,
    )


def assembled(parts: Sequence[Program]) -> str:
    """Join the parts of an answer (at least one) into one program.

    The last part that defines something is the solution; what it needs from other parts is put
    before it, a demonstration that can run is put after it, and tests of it are left out.
    """
    solutions = [item for item in parts if item.defines and not item.test]
    if not solutions:
        return max(parts, key=lambda item: (bool(item.defines), not item.test, len(item.code))).code
    main = _main(solutions)
    place = parts.index(main)
    chosen, needed = [main], main.needs
    others = [item for item in reversed(parts[:place]) if not item.test] + [
        item for item in parts[place + 1 :] if not item.test and item.defines
    ]
    for item in others:
        if item.provides & needed or item.defines > main.defines:
            chosen.insert(0, item)
            needed = (needed - item.provides) | item.needs
    known = frozenset().union(*(item.provides for item in chosen))
    for item in parts[place + 1 :]:
        if not item.defines and not item.test and item.portable and item.needs <= known:
            chosen.append(item)
            known |= item.provides
    whole = program("\n\n".join(item.code for item in chosen))
    return whole.code if whole else main.code


def salvaged(text: str) -> list[Program]:
    """Find the pieces of Python in a text that nothing marks as code, in order."""
    lines = text[:_LONGEST_UNFENCED].split("\n")
    found: list[Program] = []
    number, left = 0, _MOST_COMPILES
    while number < len(lines) and left > 0:
        if not _START.match(lines[number]):
            number += 1
            continue
        piece, used, compiles = _longest_program(lines[number:], left)
        left -= compiles
        if piece and piece.acts:
            found.append(piece)
        number += max(used, 1)
    return found


def _longest_program(lines: Sequence[str], tries: int) -> tuple[Program | None, int, int]:
    """The longest beginning of the lines that compiles, its line count, and the tries it took."""
    end = len(lines)
    for tried in range(1, tries + 1):
        try:
            tree = parsed_program("\n".join(lines[:end]))
        except SyntaxError as exc:
            end = min(exc.lineno or 1, end) - 1
            if end < 1:
                return None, 0, tried
            continue
        while tree.body and not _acts(tree.body[-1]):
            end = tree.body.pop().lineno - 1  # a word of prose after the code
        return program("\n".join(lines[:end])), end, tried
    return None, 0, tries


def _main(solutions: Sequence[Program]) -> Program:
    last = solutions[-1]
    for item in solutions[:-1]:
        if last.code.strip() in item.code:
            return item  # the last one is only an excerpt, shown to explain it
    return last


def _acts(item: ast.stmt) -> bool:
    match item:
        case ast.Expr(value=value):
            return isinstance(value, ast.Call | ast.Await | ast.ListComp)
        case ast.AnnAssign(value=None) | ast.Pass():
            return False
        case _:
            return True


def _modules(tree: ast.Module) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").partition(".")[0])
    return modules


def _only_tests(tree: ast.Module, defines: frozenset[str], modules: set[str]) -> bool:
    if any(not name.lower().startswith("test") for name in defines):
        return False
    asserts = any(isinstance(item, ast.Assert) for item in tree.body)
    return bool(defines) or asserts or bool(modules & _TEST_MODULES)
