"""Prompts say all that a model needs, and stay bounded."""

from __future__ import annotations

from aimesh.core.cases import Case
from aimesh.core.memories import Recollection
from aimesh.core.prompts import NO_CODE, Feedback, Prompt, brainstorm, review, solve

HUGE = "x" * 1_000_000


def size(prompt: Prompt) -> int:
    return len((prompt.system + prompt.text).encode())


def test_brainstorming_asks_for_two_examples_and_names_what_to_avoid() -> None:
    text = brainstorm(["Reverse a list."]).text
    assert "exactly two example cases" in text
    assert "Example: call(...) -> result" in text
    assert "<known>\nReverse a list.\n</known>" in text
    assert "known" not in brainstorm().text


def test_a_task_stands_in_the_prompt_as_it_is() -> None:
    task = 'Reverse "this"\n\n  <b>and</b> that'
    assert f"<task>\n{task}\n</task>" in solve(task).text


def test_cases_that_the_task_shows_are_not_repeated() -> None:
    task = "Double it.\nExample: f(2) -> 4"
    text = solve(task, cases=[Case("f(2)", "4"), Case("f(3)", "6")]).text
    assert text.count("f(2)") == 1
    assert "f(3) -> 6" in text


def test_memories_are_split_into_failures_and_patterns() -> None:
    text = solve(
        "A task.",
        [
            Recollection("pattern", "Task P", "code P"),
            Recollection("failure", "Task F", "code F", "error F"),
            Recollection("task", "Task T"),
        ],
    ).text
    assert "<failure>\nTask: Task F\nCode:\ncode F\nError: error F\n</failure>" in text
    assert "<pattern>\nTask: Task P\nCode:\ncode P\n</pattern>" in text
    assert text.index("code F") < text.index("code P")
    assert "Task T" not in text


def test_a_fix_request_shows_the_code_and_its_error() -> None:
    text = solve("A task.", feedback=Feedback("bad()", "NameError: bad")).text
    assert "<code>\nbad()\n</code>" in text
    assert "<error>\nNameError: bad\n</error>" in text
    assert "<error>" not in solve("A task.").text


def test_a_fix_request_without_code_says_so() -> None:
    text = solve("A task.", feedback=Feedback("", "")).text
    assert "<code>" not in text
    assert NO_CODE in text


def test_a_review_quotes_everything() -> None:
    text = review("A task.", "print(1)", False, "ValueError: no", "failed", 3).text
    for part in ("A task.", "print(1)", "ValueError: no", "`failed`", "failed after 3 attempts"):
        assert part in text
    assert "passed after 1 attempt;" in review("A task.", "x", True, "1", "passed", 1).text


def test_the_end_of_a_long_error_survives() -> None:
    text = solve("A task.", feedback=Feedback("x", HUGE + "IndexError: the cause")).text
    assert "IndexError: the cause" in text


def test_prompts_are_bounded_whatever_goes_into_them() -> None:
    memories = [Recollection("failure", HUGE, HUGE, HUGE)] * 100
    cases = [Case("f(1)", HUGE)] * 100
    assert size(brainstorm([HUGE] * 100)) < 20_000
    assert size(solve(HUGE, memories, Feedback(HUGE, HUGE), cases)) < 34_000
    assert size(review(HUGE, HUGE, False, HUGE, HUGE[:20], 3)) < 20_000
