"""Every program of the catalogue really runs: right ones pass, wrong ones fail as they should."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from aimesh.core.answers import task_of
from aimesh.embedded.rehearsal.catalogue import Entry, catalogue, further_tasks
from aimesh.embedded.rehearsal.generic import generic_program

EVERYTHING = catalogue() + further_tasks()

# reads programs with their cases from stdin, runs each as the sandbox would, tells how it ended
RUNNER = """
import contextlib, io, json, resource, signal, sys, traceback

class Slow(Exception):
    pass

def stop(*_):
    raise Slow("too slow")

def run(job):
    printed = io.StringIO()
    signal.setitimer(signal.ITIMER_PROF, job["seconds"])
    try:
        with contextlib.redirect_stdout(printed):
            space = {"__name__": "__main__"}
            exec(compile(job["code"], "solution.py", "exec"), space)
            for call, expected in job["cases"]:
                got = eval(call, space)
                if got != eval(expected, space):
                    return f"Mismatch: {call} gave {got!r}, not {expected}", printed.getvalue()
    except BaseException as exc:
        return f"{type(exc).__name__}: {exc}", printed.getvalue()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "passed", printed.getvalue()

resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
signal.signal(signal.SIGPROF, stop)
print(json.dumps([run(job) for job in json.load(sys.stdin)]))
"""

REASONS = {
    "empty-input": ("ValueError", "ZeroDivisionError", "IndexError"),
    "last-window": ("Mismatch",),
    "endless-loop": ("Slow",),
    "recursion-limit": ("RecursionError",),
    "tie-order": ("Mismatch",),
    "inner-order": ("Mismatch",),
    "pop-from-empty": ("IndexError",),
    "changed-argument": ("Mismatch",),
    "shared-rows": ("Mismatch",),
    "too-much-memory": ("MemoryError",),
    "last-group": ("Mismatch",),
    "single-member": ("Mismatch",),
    "missing-key": ("KeyError",),
    "too-slow": ("Slow",),
    "touching-ends": ("Mismatch",),
}


def run_all(jobs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUNNER],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [(ended, printed) for ended, printed in json.loads(done.stdout)]


def job(entry: Entry, code: str, seconds: float) -> dict[str, Any]:
    cases = [(case.call, case.expected) for case in entry.cases]
    return {"code": code, "cases": cases, "seconds": seconds}


def test_right_solutions_pass_and_print_their_examples() -> None:
    ended = run_all([job(entry, entry.right, 5.0) for entry in EVERYTHING])
    for entry, (how, printed) in zip(EVERYTHING, ended, strict=True):
        assert how == "passed", f"{entry.key}: {how}"
        for case in entry.cases:
            assert f"{case.call} ->" in printed, entry.key


def test_wrong_solutions_fail_for_their_reason() -> None:
    tries = [
        (entry, code, pitfall)
        for entry in EVERYTHING
        for code, pitfall in zip(entry.wrong, entry.pitfalls, strict=True)
    ]
    # seconds of CPU time: few where it never ends, ample where it must end in another way
    ended = run_all(
        [job(e, code, 0.08 if REASONS[why] == ("Slow",) else 5.0) for e, code, why in tries]
    )
    for (entry, _, pitfall), (how, _) in zip(tries, ended, strict=True):
        assert how.startswith(REASONS[pitfall]), f"{entry.key}: {how}"


def test_statements_can_be_read_with_their_two_cases() -> None:
    for entry in EVERYTHING:
        task = task_of(entry.statement)
        assert task is not None
        assert task.text == entry.statement
        assert task.cases == entry.cases
        assert len(entry.cases) == 2


WELL_KNOWN = {
    "Write fizzbuzz": "'Buzz', '11', 'Fizz'",
    "The nth Fibonacci number": "fibonacci(10) -> 55",
    "Compute a factorial": "factorial(5) -> 120",
    "Write a function `check(n)` for prime numbers": "check(97) -> True",
    "Is it a palindrome?": "is_palindrome('level') -> True",
    "Are two words anagrams?": "are_anagrams('listen', 'silent') -> True",
    "Count the words in a text": "'be': 2",
    "How many vowels?": "count_vowels('Education') -> 5",
    "Greatest common divisor": "gcd(12, 18) -> 6",
    "Do a binary search": "binary_search([1, 3, 5, 7], 5) -> 2",
    "Remove duplicates": "unique([3, 1, 3, 2, 1]) -> [3, 1, 2]",
    "Reverse a string": "reverse('hello') -> olleh",
    "Sort a list": "sort_items([5, 2, 9, 1]) -> [1, 2, 5, 9]",
    "Find the largest number": "largest([3, 9, 4]) -> 9",
    "Return the sum of a list": "add_up([1, 2, 3]) -> 6",
    "Make coffee": "rehearsal model",
    "": "rehearsal model",
    "Write a function named `class(x)` that sorts": "sort_items([5, 2, 9, 1]) -> [1, 2, 5, 9]",
    "Write a function named sum(x), it should sum up": "add_up([1, 2, 3]) -> 6",
}


def test_other_tasks_get_a_program_that_runs() -> None:
    jobs = [{"code": generic_program(task), "cases": [], "seconds": 5.0} for task in WELL_KNOWN]
    for (task, shown), (how, printed) in zip(WELL_KNOWN.items(), run_all(jobs), strict=True):
        assert how == "passed", f"{task}: {how}"
        assert shown in printed


def test_names_are_unique() -> None:
    assert not [name for name, count in Counter(e.name for e in EVERYTHING).items() if count > 1]
    assert len({entry.statement for entry in EVERYTHING}) == len(EVERYTHING)


@pytest.mark.parametrize(
    ("what", "least", "most"),
    [("tasks", 180, 400), ("wrong", 80, 115), ("twice", 8, 16), ("hopeless", 1, 8)],
)
def test_the_catalogue_has_enough_of_everything(what: str, least: int, most: int) -> None:
    counts = {
        "tasks": len(catalogue()),
        "wrong": sum(bool(entry.wrong) for entry in catalogue()),
        "twice": sum(len(entry.wrong) > 1 and not entry.hopeless for entry in catalogue()),
        "hopeless": sum(entry.hopeless for entry in catalogue()),
    }
    assert least <= counts[what] <= most
