"""Example cases are found in a task's text, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from aimesh.core.cases import MOST_CASES, Case, cases_of

FOUND = {
    "Example: f(2) -> 4": Case("f(2)", "4"),
    "Example: f(2) => 4": Case("f(2)", "4"),
    "Example: f(2) → 4.": Case("f(2)", "4"),
    "* `f(2)` -> `4`": Case("f(2)", "4"),
    "* `f(2) -> 4`": Case("f(2)", "4"),
    "1. f(2) returns 4": Case("f(2)", "4"),
    "- f(2) should return 4": Case("f(2)", "4"),
    "**Example 1:** f([1, 2], k=3) -> {'a': (1, None)}": Case("f([1, 2], k=3)", "{'a': (1, None)}"),
    "Examples: f('x -> y') -> 'y -> x'": Case("f('x -> y')", "'y -> x'"),
    "Example: f(2) -> 4  # doubled": Case("f(2)", "4"),
    "assert f(2) == 4": Case("f(2)", "4"),
    "Example: (lambda m: (f(m), m))([1]) -> ([], [1])": Case(
        "(lambda m: (f(m), m))([1])", "([], [1])"
    ),
    "Example: f([n * n for n in range(3)]) -> -1": Case("f([n * n for n in range(3)])", "-1"),
    "Example: len(f(5)) -> 5": Case("len(f(5))", "5"),
    "Example: f(1.5) -> float('inf')": Case("f(1.5)", "float('inf')"),
    "Example: Stack().size() -> 0": Case("Stack().size()", "0"),
    "Example: f('\\d') -> True": Case("f('\\d')", "True"),
    ">>> f(2)\n4": Case("f(2)", "4"),
}


@pytest.mark.parametrize(("text", "case"), FOUND.items())
def test_a_case_is_found(text: str, case: Case) -> None:
    assert cases_of(f"Some words.\n{text}\nMore words.") == (case,)


@pytest.mark.parametrize(
    "text",
    [
        "Write f(items) -> list",
        "Write `f(n: int) -> int`",
        "f(n) -> n",
        "f(3) -> int",
        "f([]) -> ValueError",
        "f(3) -> something nice",
        "key -> value",
        "1 -> 2",
        "f(2 -> 4",
        "(see above) returns nothing",
        "f(1) -> " + "(" * 500,
        "f(" + "-" * 3000 + "1) -> 1",
    ],
)
def test_what_is_no_case_is_left_alone(text: str) -> None:
    assert cases_of(text) == ()


def test_each_case_counts_once_and_not_too_many_are_taken() -> None:
    assert len(cases_of("f(1) -> 1\n" * 5)) == 1
    assert len(cases_of("\n".join(f"f({n}) -> {n}" for n in range(50)))) == MOST_CASES
