"""What the models were asked, worked out again from the records."""

from __future__ import annotations

from typing import Any

from aimesh.core import prompts
from aimesh.core.cases import Case
from aimesh.views.tasks_prompts import REMEMBERED, prompts_of


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "data": {"task_id": "t", "task": "Add two numbers", **data}}


def test_a_prompt_without_memories_is_the_very_one_that_was_asked() -> None:
    cases = [{"call": "add(1, 2)", "expected": "3"}]
    feedback = {"code": "1 / 0", "error": "ZeroDivisionError"}
    [found] = prompts_of([event("solution", attempt=2, feedback=feedback, cases=cases)])
    wanted = prompts.solve(
        "Add two numbers",
        feedback=prompts.Feedback("1 / 0", "ZeroDivisionError"),
        cases=[Case("add(1, 2)", "3")],
    )
    assert (found["system"], found["text"]) == (wanted.system, wanted.text)
    assert (found["agent"], found["attempt"], found["left_out"]) == ("consumer", 2, "")


def test_what_a_prompt_leaves_out_is_said() -> None:
    memories = [{"kind": "failure", "task": "Sum", "error": "TypeError", "score": 0.9}]
    [found] = prompts_of([event("solution", attempt=1, memories=memories)])
    assert found["left_out"] == REMEMBERED
    assert "TypeError" in found["text"]


def test_a_reviews_prompt_has_the_verdict_before_it() -> None:
    verdict = event("verdict", attempt=3, verdict="timeout")
    review = event("review", attempts=3, solution="pass", success=False, exec_output="slow")
    [found] = prompts_of([verdict, review])
    wanted = prompts.review("Add two numbers", "pass", False, "slow", "timeout", 3)
    assert (found["text"], found["agent"]) == (wanted.text, "reviewer")


def test_records_of_any_program_do_no_harm() -> None:
    odd = event("solution", task=None, attempt="x", memories=[None, {"kind": 1}], cases=[1, {}])
    odd["data"]["feedback"] = "no object"
    assert [prompt["attempt"] for prompt in prompts_of([odd])] == [1]
