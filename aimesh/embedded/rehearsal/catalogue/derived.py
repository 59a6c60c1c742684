"""More tasks made of the written ones: for many inputs at once, and to check claimed results."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from aimesh.core.cases import Case
from aimesh.embedded.rehearsal.catalogue.blueprint import Entry, with_examples

_ALL = """


def {new}(inputs):
    return [{old}(*arguments) for arguments in inputs]"""
_CLAIM = """


def {new}(arguments, claim):
    return {old}(*arguments) == claim"""


def derived_from(entries: Sequence[Entry]) -> list[Entry]:
    """Two further tasks for each entry whose cases call its function directly."""
    found = []
    for entry in entries:
        inputs = [_arguments(case.call) for case in entry.cases]
        if all(inputs):
            found += [_for_all(entry, inputs), _claim(entry, inputs)]
    return found


def _for_all(entry: Entry, inputs: Sequence[str]) -> Entry:
    name = f"{entry.name}_for_all"
    results = ", ".join(case.expected for case in entry.cases)
    intro = (
        f"A nightly batch job collects many inputs before it starts. Write a Python function "
        f"`{name}(inputs)` that takes a list of tuples of arguments and returns the list of "
        f"results, one for each tuple. What is done with a single tuple: "
    )
    cases = (Case(f"{name}([{', '.join(inputs)}])", f"[{results}]"), Case(f"{name}([])", "[]"))
    return _made(entry, name, intro, cases, _ALL)


def _claim(entry: Entry, inputs: Sequence[str]) -> Entry:
    name = f"is_{entry.name}"
    intro = (
        f"An auditor doubts the figures of a report and has them verified. Write a Python function "
        f"`{name}(arguments, claim)` that takes a tuple of arguments and a claimed result, and "
        f"answers True if the claim is correct, False otherwise. How to get the correct result: "
    )
    pairs = zip(inputs, entry.cases, strict=True)
    cases = tuple(Case(f"{name}({given}, {case.expected})", "True") for given, case in pairs)
    return _made(entry, name, intro, cases, _CLAIM)


def _made(entry: Entry, name: str, intro: str, cases: tuple[Case, ...], wrapper: str) -> Entry:
    own = wrapper.format(new=name, old=entry.name)
    rules = entry.statement.partition("\nExample: ")[0]
    return replace(
        entry,
        key=f"{entry.key}/{name}",
        name=name,
        statement=with_examples(intro + rules, cases),
        cases=cases,
        code=entry.code + own,
        wrong_code=tuple(code + own for code in entry.wrong_code),
    )


def _arguments(call: str) -> str:
    """The arguments of a plain call as a tuple's text, '' for any other expression."""
    tree = ast.parse(call, mode="eval").body
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        return ""
    return ast.unparse(ast.Tuple(tree.args, ast.Load()))
