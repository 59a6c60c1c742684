"""Code and tasks are found in a model's answer whatever its shape."""

from __future__ import annotations

import random
import time

import pytest

from aimesh.core.answers import code_of, task_of
from aimesh.core.cases import Case

CODE = "def double(n):\n    return 2 * n\n\n\nprint(double(4))\n"
DEFINITION = "def double(n):\n    return 2 * n\n"
INDENTED = CODE.replace("\n", "\n   ").rstrip(" ")

ONE_PROGRAM = {
    "python fence": f"```python\n{CODE}```",
    "fence in prose": f"Sure! Here it is:\n\n```python\n{CODE}```\n\nIt doubles a number.",
    "py tag": f"```py\n{CODE}```",
    "Python tag with capitals": f"```Python\n{CODE}```",
    "no tag": f"```\n{CODE}```",
    "tildes": f"~~~python\n{CODE}~~~",
    "four backticks": f"````python\n{CODE}````",
    "tag after a space": f"``` python\n{CODE}```",
    "info after the tag": f'```python title="a.py"\n{CODE}```',
    "wrong tag": f"```text\n{CODE}```",
    "fence after prose on one line": f"The code: ```python\n{CODE}```",
    "unclosed": f"```python\n{CODE}",
    "unclosed, then prose": f"```python\n{CODE}\nThis prints the double of four.\n",
    "closed at the end of a line of code": f"```python\n{CODE.rstrip()}```\nDone.",
    "indented fence": f"1. Like so:\n\n   ```python\n   {INDENTED}   ```\n",
    "no fence": CODE,
    "no fence, prose around": f"Here is the code:\n\n{CODE}\nIt doubles a number. Easy!\n",
    "no fence, a word after it": f"{CODE}\nDone\n",
    "windows newlines": f"Here:\r\n```python\r\n{CODE}```\r\n".replace("\n", "\r\n"),
    "thoughts first": f"<think>\n```python\nwrong = 1\n```\n</think>\n```python\n{CODE}```",
    "thoughts without a beginning": f"hm, maybe x = 1\n</think>\n```python\n{CODE}```",
    "thoughts without an end, code inside": f"<think>\nLet me see.\n```python\n{CODE}```",
    "output block": f"```python\n{CODE}```\nOutput:\n```\n8\n```",
    "output block first": f"It must print\n```text\n8\n```\n\n```python\n{CODE}```",
    "shell block": f"```python\n{CODE}```\nRun it:\n```bash\npython3 double.py\n```",
    "json block": f'```json\n{{"a": 1}}\n```\n```python\n{CODE}```',
    "excerpt explained": f"```python\n{CODE}```\nNote:\n```python\n{DEFINITION}```",
    "tests that are not asked for": f"```python\n{CODE}```\n```python\n"
    "import unittest\nclass TestDouble(unittest.TestCase):\n"
    "    def test_it(self): self.assertEqual(double(2), 5)\nunittest.main()\n```",
    "asserts that are not asked for": f"```python\n{CODE}```\n"
    "```python\nassert double(2) == 5\n```",
    "usage of something unknown": f"```python\n{CODE}```\n```python\ndouble(your_number)\n```",
    "usage by import": f"```python\n{CODE}```\n```python\nfrom solution import double\n```",
    "usage that asks": f"```python\n{CODE}```\n```python\nprint(double(int(input())))\n```",
    "first version, then a better one": "```python\ndef double(n):\n    return n + 1\n```\n"
    f"That is wrong. Better:\n```python\n{CODE}```",
    "a fence opened twice": f"```python\n```python\n{CODE}```",
    "markdown around": f"```markdown\nHere:\n```python\n{CODE}```\n```",
    "byte order mark": f"\ufeff```python\n{CODE}```",
    "hard spaces": "```python\n" + CODE.replace("    ", "\u00a0" * 4) + "```",
    "nul": f"```python\n\x00{CODE}```",
}


@pytest.mark.parametrize("answer", ONE_PROGRAM.values(), ids=ONE_PROGRAM.keys())
def test_the_program_is_found(answer: str) -> None:
    assert code_of(answer) == CODE


def run(code: str | None) -> dict[str, object]:
    assert code is not None
    space: dict[str, object] = {}
    exec(code, space)
    return space


def test_a_fence_inside_a_docstring_does_not_end_the_code() -> None:
    code = 'def f():\n    """Do.\n\n    ```\n    f()\n    ```\n    """\n    return 1\n'
    assert code_of(f"```python\n{code}```") == code


def test_a_demonstration_is_joined_to_the_definition() -> None:
    answer = f"```python\n{DEFINITION}```\nUse it:\n```python\nresult = double(21)\n```"
    assert run(code_of(answer))["result"] == 42


def test_a_class_in_an_earlier_block_is_put_before_what_needs_it() -> None:
    answer = (
        "```python\nimport math\n```\nthen\n```python\nclass Node:\n    value = math.floor(3)\n```"
        "\nand\n```python\ndef first():\n    return Node().value\n```"
    )
    assert run(code_of(answer))["first"]() == 3  # type: ignore[operator]


def test_a_helper_that_is_given_last_is_joined_too() -> None:
    answer = (
        "```python\ndef _twice(n):\n    return n * 2\n\ndef double(n):\n    return _plus(n)\n```\n"
        "with\n```python\ndef _plus(n):\n    return _twice(n)\n```"
    )
    space = run(code_of(answer))
    assert space["double"](4) == 8  # type: ignore[operator]


def test_unfenced_parts_with_prose_between_are_joined() -> None:
    answer = f"Define it:\n\n{DEFINITION}\nThen use it like this:\n\nresult = double(3)\nGood luck!"
    assert run(code_of(answer))["result"] == 6


def test_tests_are_kept_when_there_is_nothing_else() -> None:
    code = "def test_sum():\n    assert sum([1, 2]) == 3\n"
    assert code_of(f"```python\n{code}```") == code


def test_code_that_does_not_compile_is_returned_for_its_error_to_be_seen() -> None:
    code = "def f(:\n    return 1\n"
    assert code_of(f"Here:\n```python\n{code}```\nand the output\n```\n5\n```") == code


def test_what_compiles_wins_over_what_does_not() -> None:
    assert code_of(f"```python\ndef double(n:\n```\nOops. Fixed:\n```python\n{CODE}```") == CODE


def test_broken_code_wins_over_its_demonstration() -> None:
    broken = "def f(n:\n    return n\n"
    assert code_of(f"```python\n{broken}```\n```python\nprint(f(1))\n```") == broken


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot help with that.",
        "Done",
        "Result: 5",
        "```\n[1, 2, 3]\n```",
        "```text\nx = 5\n```",
        "```bash\nls -l\n```",
        "```",
        "``` ```",
        "<think>def f(): the function",
        "import the list and sort it",
        "Use ``` to fence code",
        "\ud800\ud800",
    ],
)
def test_an_answer_without_code_gives_none(answer: str) -> None:
    assert code_of(answer) is None


def gibberish() -> dict[str, str]:
    rng = random.Random(7)
    letters = "abc \n`~<>{}()[]'\"=:#@\\%\t0123456789éλ中\ud800"
    size = 10_000_000
    return {
        "random": "".join(rng.choices(letters, k=100_000)) * 100,
        "backticks": "`" * size,
        "fences": "```\n" * (size // 4),
        "python fences": "```python\nx = (\n" * (size // 16),
        "thoughts": "<think>" * (size // 7),
        "one word": "a" * size,
        "parentheses": "x = " + "(" * size,
        "definitions": "def f(\n" * (size // 7),
        "assignments": "x = [\n1,\n" * (size // 9),
        "arrows": "Example: f(1) -> " + "-> " * (size // 3),
        "examples": "Example: f(1 -> 2\n" * (size // 18),
        "quotes": "x = '''\n" * (size // 8),
        "spaces": " " * size,
        "list marks": "* - > " * (size // 6),
        "minus": "x = " + "-" * size + "1",
    }


@pytest.mark.parametrize("name", gibberish().keys())
def test_ten_megabytes_of_gibberish_are_read_in_bounded_time(name: str) -> None:
    text = gibberish()[name]
    started = time.process_time()
    code_of(text)
    task_of(text)
    assert time.process_time() - started < 8


STATEMENT = "Write a function `total(items)` that adds up the numbers in a list."
CASES = (Case("total([1, 2])", "3"), Case("total([])", "0"))

TASKS = {
    "plain": f"{STATEMENT}\nExample: total([1, 2]) -> 3\nExample: total([]) -> 0",
    "title": f"**Task:** {STATEMENT}\n\nExample: total([1, 2]) -> 3\nExample: total([]) -> 0",
    "heading": f"## Problem 3: {STATEMENT}\nExample: total([1, 2]) => 3\nExample: total([]) => 0",
    "chatter": f"Sure! Here is a task:\n\n{STATEMENT}\n"
    "Examples:\n- `total([1, 2])` → `3`\n- `total([])` → `0`",
    "solution left out": f"{STATEMENT}\nExample: total([1, 2]) -> 3\nExample: total([]) -> 0\n"
    "```python\ndef total(items):\n    return sum(items)\n```",
    "examples in a block": f"{STATEMENT}\n```python\ntotal([1, 2]) -> 3\ntotal([]) -> 0\n```",
    "thoughts": f"<think>easy</think>{STATEMENT}\nExample 1: total([1, 2]) -> 3\n"
    "**Example 2:** `total([]) -> 0`",
    "windows": f"{STATEMENT}\r\nExample: total([1, 2]) -> 3\r\nExample: total([]) -> 0\r\n",
}


@pytest.mark.parametrize("answer", TASKS.values(), ids=TASKS.keys())
def test_a_proposed_task_is_read_with_its_cases(answer: str) -> None:
    task = task_of(answer)
    assert task is not None
    assert task.text.startswith(STATEMENT)
    assert "return sum" not in task.text
    assert task.cases == CASES


@pytest.mark.parametrize("answer", ["", "ok", "Sure!", "<think>" + "word " * 50, "1 2 3 " * 20])
def test_hardly_any_text_is_no_task(answer: str) -> None:
    assert task_of(answer) is None
