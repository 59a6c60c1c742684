"""Example cases are run and counted, and the count is hard to forge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aimesh.services.sandbox import Sandbox
from tests.sandboxing import MODES, opened

# what the keeper says to its parent, and what it waits for itself
_SAYS_ALL_TO_EVERY_PIPE = """
import os
for fd in range(3, 128):
    for kind in b"PXDRVYSE":
        for text in (b"0 V 4", b"1 V 9", b"0 0 0", b"4"):
            try: os.write(fd, bytes([kind]) + len(text).to_bytes(4, "little") + text)
            except OSError: pass
"""
_CLOSES_EVERYTHING = """
import os
os.closerange(3, 128)
def f(x): return x * x
"""
_FLOODS_EVERY_PIPE = """
import os, threading
def flood():
    while True:
        for fd in range(3, 20):
            try: os.write(fd, b"Y\\0\\0\\0\\0")
            except OSError: pass
threading.Thread(target=flood, daemon=True).start()
def f(x): return x
"""
_LOOKS_EVERYWHERE = """
import gc, sys
def f(x):
    frame, seen = sys._getframe(), []
    while frame:
        seen.append(repr(frame.f_locals))
        frame = frame.f_back
    seen += [repr(o) for o in gc.get_objects() if isinstance(o, (list, dict, tuple))][-3000:]
    return "".join(["expec", "ted-mar", "ker"]) in " ".join(seen)
"""
_SQUARE = [{"call": "f(2)", "expected": "4"}, {"call": "f(3)", "expected": "9"}]


@pytest.fixture(params=MODES)
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with opened(tmp_path, request.param) as sandbox:
        yield sandbox


async def test_right_code_passes_its_cases(sandbox: Sandbox) -> None:
    outcome = await sandbox.run("def f(x): return x * x", _SQUARE)
    assert (outcome.verdict, outcome.cases_passed, outcome.cases_total) == ("passed", 2, 2)
    assert outcome.output == ""


async def test_wrong_code_is_told_which_case_and_why(sandbox: Sandbox) -> None:
    outcome = await sandbox.run("def f(x): return x + x", _SQUARE)
    assert (outcome.verdict, outcome.cases_passed, outcome.cases_total) == ("failed", 1, 2)
    assert outcome.error == "case 2 of 2: f(3) gave 6, expected 9"
    assert outcome.error in outcome.output


@pytest.mark.parametrize(
    ("code", "case"),
    [
        ("def f(): return [1, (2.5, None), {'a': {1, 2}}]", "[1, (2.5, None), {'a': {2, 1}}]"),
        ("def f(): return {'b': 1, 'a': 2}", "{'a': 2, 'b': 1}"),
        ("def f(): return 4.0", "4"),
        ("def f(): return 'ü\\n'", "'ü\\n'"),
        ("from fractions import Fraction\ndef f(): return Fraction(1, 2)", "Fraction(1, 2)"),
        ("from decimal import Decimal as D\ndef f(): return [D('4'), D('0.5')]", "[4, 0.5]"),
        ("from collections import *\ndef f(): return Counter('aab')", "{'a': 2, 'b': 1}"),
        (
            "from collections import *\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)",
            "(1, 2)",
        ),
        (
            "from enum import IntEnum\nC = IntEnum('C', 'A B')\ndef f(): return [C.B, True]",
            "[2, 1]",
        ),
        ("def f(): return {1: 2}.keys(), frozenset({1})", "({1}, {1})"),
        ("class P:\n def __eq__(self, o): return True\ndef f(): return P()", "P()"),
        ("def f(): return float('inf')", "float('inf')"),
        ("def f(): return 10 ** 5000", "10 ** 5000"),
        ("def f(): return list(range(100_000))", "list(range(100_000))"),
        ("def f(): print('noise'); return 1\nimport sys\nsys.exit(0)", "1"),
    ],
)
async def test_values_are_compared_as_python_compares_them(
    sandbox: Sandbox, code: str, case: str
) -> None:
    outcome = await sandbox.run(code, [{"call": "f()", "expected": case}])
    assert (outcome.verdict, outcome.cases_passed) == ("passed", 1), outcome


@pytest.mark.parametrize(
    ("call", "expected", "words"),
    [
        ("g()", "1", "raised NameError: name 'g' is not defined"),
        ("f(", "1", "raised SyntaxError"),
        ("f()", "undefined", "gave 1, expected undefined"),
        ("f()", "1 +", "gave 1, expected 1 +"),
        ("f()", "", "gave 1, expected "),
        ("", "1", "raised SyntaxError"),
        ("exec('import os; os._exit(0)')", "1", "gave nothing"),
        ("__import__('sys').exit(0)", "1", "raised SystemExit"),
        ("'\ud800'", "1", "gave"),
    ],
)
async def test_cases_that_cannot_be_evaluated_fail(
    sandbox: Sandbox, call: str, expected: str, words: str
) -> None:
    cases = [{"call": call, "expected": expected}, {"call": "f()", "expected": "1"}]
    outcome = await sandbox.run("def f(): return 1", cases)
    assert outcome.verdict == "failed"
    assert words in outcome.output


async def test_a_case_without_its_parts_fails(sandbox: Sandbox) -> None:
    cases: list[Any] = [{"call": "x"}, {"expected": "1"}, {}, "x", None, {"call": 1, "expected": 2}]
    outcome = await sandbox.run("x = 1", cases)
    assert (outcome.verdict, outcome.cases_passed, outcome.cases_total) == ("failed", 0, 6)


async def test_a_case_that_never_ends_is_ended(sandbox: Sandbox) -> None:
    cases = [{"call": "f(1)", "expected": "1"}, {"call": "f(0)", "expected": "0"}]
    outcome = await sandbox.run("def f(x):\n while not x: pass\n return x", cases)
    assert (outcome.verdict, outcome.limit) == ("timeout", "CPU 1 s")
    assert (outcome.cases_passed, outcome.cases_total) == (1, 2)


@pytest.mark.parametrize(
    "code",
    [
        "print('2 of 2 cases passed')",
        "import os; os._exit(0)",
        "import sys; sys.exit(0)",
        "def f(x): raise SystemExit(0)",
        "class Any:\n def __eq__(self, other): return True\ndef f(x): return Any()",
        "class Any(int):\n def __eq__(self, other): return True\ndef f(x): return Any()",
        "import builtins\nbuiltins.eval = lambda *a: True\nbuiltins.repr = lambda x: '4'\n"
        "def f(x): return 4",
        "import ast\nast.literal_eval = lambda x: 4\ndef f(x): return 'wrong'",
        "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 0",
        _SAYS_ALL_TO_EVERY_PIPE,
        _CLOSES_EVERYTHING,
        _FLOODS_EVERY_PIPE,
    ],
)
async def test_cases_are_not_passed_by_pretending(sandbox: Sandbox, code: str) -> None:
    outcome = await sandbox.run(code, _SQUARE)
    assert outcome.cases_passed < 2, outcome
    assert not outcome.success


async def test_what_is_expected_is_not_in_reach_before_the_value_is_given(
    sandbox: Sandbox,
) -> None:
    outcome = await sandbox.run(
        _LOOKS_EVERYWHERE, [{"call": "f(1)", "expected": "'expected-marker'"}]
    )
    assert "gave False" in outcome.output
