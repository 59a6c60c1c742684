"""The crew's pure rules: ids, texts, urgency, expiry, plans, joining."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from aimesh.core import crew, crew_prompts
from aimesh.core.crew_joining import Finding, join
from aimesh.core.crew_plan import (
    MOST_STEPS,
    Step,
    begins,
    handed_over,
    is_done,
    ordered,
    plan_of,
    usual_plan,
)
from aimesh.core.telemetry import PRIORITIES, AgentMessage, queue_topic

AT = "2026-01-01T00:00:00.000Z"
NOW = 1767225600.0


def message(**fields: Any) -> AgentMessage:
    return AgentMessage.read({"message_id": "m", "source_agent": "s", "timestamp": AT, **fields})


def steps(*agents: str) -> tuple[Step, ...]:
    return ordered(Step(agent, f"do {n}", "") for n, agent in enumerate(agents))


# -- ids


@pytest.mark.parametrize("name", ["q1", "a.b.7", "x" * 190])
def test_a_steps_message_leads_back_to_its_plan(name: str) -> None:
    plan = crew.plan_id(name)
    assert plan == name
    assert crew.step_of(crew.step_id(plan, 3)) == (plan, 3)


def test_the_longest_question_id_still_leaves_room_for_its_steps() -> None:
    plan = crew.plan_id("é" * 200)
    assert plan == crew.plan_id("é" * 200)
    assert len(crew.step_id(plan, 99)) <= 200


@pytest.mark.parametrize("name", ["", "q1", ".1", "q.", "q.x", "q.-1", "q.123", "q.²"])
def test_other_messages_are_no_steps(name: str) -> None:
    assert crew.step_of(name) is None


def test_what_answers_and_what_ends_have_ids_of_their_own_that_never_change() -> None:
    made = {crew.answer_id("a"), crew.answer_id("b"), crew.ending_id("a", "x")}
    assert len(made | {crew.ending_id("a", "y")}) == 4
    assert crew.answer_id("a") == crew.answer_id("a")


def test_a_message_without_a_trace_begins_one_that_is_found_again() -> None:
    assert crew.trace_of(message(trace_id="t")) == "t"
    assert crew.trace_of(message()) == crew.trace_of(message(priority="high")) != ""


# -- texts


@pytest.mark.parametrize("name", ["task", "question", "text", "prompt", "content", "input"])
def test_a_task_may_say_what_it_wants_under_any_usual_name(name: str) -> None:
    assert crew.text_of({"other": 1, name: "  why? "}) == "why?"


def test_a_payload_without_a_text_is_taken_as_it_is() -> None:
    assert crew.text_of({"rows": [1, 2], "empty": ""}) == '{"rows": [1, 2]}'
    assert crew.text_of({}) == crew.text_of({"text": "", "task": None}) == ""


def test_a_text_is_bounded_and_harmless() -> None:
    found = crew.text_of({"text": "\x1b[2J" + "x" * 100_000})
    assert found.startswith("\\x1b")
    assert len(found.encode()) <= crew.QUESTION_BYTES


@pytest.mark.parametrize("found", [None, "text", [], [1, None], {"a": 1}])
def test_a_context_of_another_form_is_none(found: Any) -> None:
    assert crew.context_of({"context": found}) == []


def test_a_context_tells_who_found_what() -> None:
    given = {"context": [{"agent": "a", "text": "b"}, {"text": 5}]}
    assert crew.context_of(given) == [("a", "b"), ("?", "5")]


# -- urgency and expiry


def test_the_most_urgent_task_goes_first_and_among_equals_the_oldest() -> None:
    waiting = [(p, n) for n, p in product(range(3), PRIORITIES)]
    went = sorted(waiting, key=lambda one: crew.urgency(message(priority=one[0]), one[1]))
    assert went == [(p, n) for p, n in product(reversed(PRIORITIES), range(3))]


def test_a_task_expires_its_seconds_after_it_was_sent() -> None:
    task = message(ttl_seconds=10)
    assert crew.expires_at(task) == NOW + 10
    assert crew.seconds_left(task, NOW + 4) == 6
    assert crew.seconds_left(task, NOW + 11) == 0


@pytest.mark.parametrize("ttl", [None, 0])
def test_a_task_without_a_time_never_expires(ttl: float | None) -> None:
    assert crew.seconds_left(message(ttl_seconds=ttl), NOW + 1e9) is None


def test_every_agents_queue_is_named_after_it() -> None:
    assert {queue_topic(agent) for agent in crew.AGENTS} == {
        "agent-queue-orchestrator", "agent-queue-researcher", "agent-queue-coder",
        "agent-queue-writer", "agent-queue-reviewer",
    }  # fmt: skip


# -- plans


def test_a_plan_is_read_from_lines() -> None:
    plan = plan_of(
        "Sure! Here is the plan.\n\n1. **Researcher**: Gather facts\non merging.\n"
        "Reason: facts first\n- coder - Write `merge`.\n  Example: merge([1], [2]) -> [1, 2]\n"
        "   *Why:* it must run\nStep 3: writer: Tell it.\n4) reviewer: Check it.\n"
    )
    assert [(s.agent, s.task, s.reason) for s in plan] == [
        ("researcher", "Gather facts\non merging.", "facts first"),
        ("coder", "Write `merge`.\n  Example: merge([1], [2]) -> [1, 2]", "it must run"),
        ("writer", "Tell it.", "what was found must be told as one answer"),
        ("reviewer", "Check it.", "somebody else must look at it"),
    ]
    assert [s.needs for s in plan] == [(), (0,), (0, 1), (1, 2)]


def test_a_plan_is_read_from_json() -> None:
    plan = plan_of(
        'The plan:\n```json\n[{"agent": "Writer", "task": "Tell it", "reason": "why not"},'
        '{"agent": "cook", "task": "x"}, {"agent": "coder"}, 5, {"agent": "reviewer",'
        ' "instruction": "Check"}]\n```'
    )
    assert [(s.agent, s.task, s.reason, s.needs) for s in plan] == [
        ("writer", "Tell it", "why not", ()),
        ("reviewer", "Check", "somebody else must look at it", (0,)),
    ]


@pytest.mark.parametrize(
    "answer",
    ["", "I cannot plan this.", "[1, 2", "[[[[" * 50_000, "cook: make soup", "1. writer:", "[]",
     "orchestrator: plan it"],
)  # fmt: skip
def test_an_answer_without_a_plan_holds_none(answer: str) -> None:
    assert plan_of(answer) == ()


def test_a_plan_is_bounded() -> None:
    plan = plan_of("\n".join(f"{n}. researcher: {'x' * 9_000}" for n in range(50)))
    assert len(plan) == MOST_STEPS
    assert all(len(step.task.encode()) <= 4_000 for step in plan)


def test_the_usual_plan_asks_the_question() -> None:
    plan = usual_plan("Why is the sky blue?")
    assert [step.agent for step in plan] == ["researcher", "writer", "reviewer"]
    assert "Why is the sky blue?" in plan[0].task
    assert all(step.reason for step in plan)


def test_a_step_is_the_same_after_it_was_stored() -> None:
    for step in steps("researcher", "coder"):
        assert Step.restored(step.stored()) == step


@pytest.mark.parametrize(
    "agents",
    [("researcher",), ("reviewer",), ("writer", "coder", "researcher", "reviewer"),
     ("researcher", "researcher", "coder", "coder", "writer", "reviewer"),
     ("researcher", "reviewer")],
)  # fmt: skip
def test_every_plan_is_gone_through_to_its_end_each_step_once(agents: tuple[str, ...]) -> None:
    plan = steps(*agents)
    begun, settled, running = list(begins(plan, ())), list[int](), list(begins(plan, ()))
    while running:
        assert sorted(handed_over(plan, settled)) == sorted(running)
        assert not is_done(plan, settled)
        number = running.pop()
        settled.append(number)
        following = begins(plan, settled, number)
        begun += following
        running += following
    assert sorted(begun) == list(range(len(plan)))
    assert is_done(plan, settled)


def test_who_needs_nobody_begins_at_once_and_together() -> None:
    assert begins(steps("researcher", "researcher", "writer"), ()) == [0, 1]
    assert begins(steps("researcher", "researcher", "writer"), [0], 0) == []
    assert begins(steps("researcher", "researcher", "writer"), [0, 1], 1) == [2]


# -- joining


def test_findings_are_joined_text_first_then_code_review_and_what_is_missing() -> None:
    plan = steps("researcher", "coder", "writer", "reviewer", "researcher")
    joined = join(
        plan,
        {
            0: Finding(True, "facts"),
            1: Finding(True, "passed", "print(1)", "1\n", "passed"),
            2: Finding(True, "The answer."),
            3: Finding(True, "It is right."),
            4: Finding(False, error="no time"),
        },
    )
    assert joined.ok
    assert joined.text == (
        "The answer.\n\n## Code\n\n```python\nprint(1)\n```\n\nIt printed:\n\n```text\n1\n```\n\n"
        "## Review\n\nIt is right.\n\n## What is missing\n\n- researcher: no time"
    )
    assert (joined.code, joined.output, joined.review) == ("print(1)", "1\n", "It is right.")
    assert joined.missing == ("researcher: no time",)


def test_without_a_writer_what_was_researched_is_the_answer() -> None:
    assert join(steps("researcher"), {0: Finding(True, "facts")}).text == "facts"


def test_where_nothing_was_found_there_is_no_answer() -> None:
    plan = steps("researcher", "writer", "reviewer")
    findings = {0: Finding(False, error="a"), 1: Finding(False, error="b"), 2: Finding(True, "!")}
    joined = join(plan, findings)
    assert not joined.ok
    assert joined.missing == ("researcher: a", "writer: b")


def test_code_with_fences_in_it_stays_in_one_block() -> None:
    joined = join(steps("coder"), {0: Finding(True, code='x = """\n```\n"""')})
    assert joined.text.count("````") == 2


def test_a_finding_is_taken_from_any_payload_within_bounds() -> None:
    found = Finding.of({"text": "x" * 50_000, "code": 5, "error": None}, ok=True)
    assert len(found.text.encode()) <= 12_000
    assert (found.code, found.error) == ("", "")
    assert Finding.of({}, ok=False).error
    assert Finding.of({"result": "r"}, ok=True).text == "r"


def test_a_finding_tells_what_builds_on_it_what_failed() -> None:
    assert "this failed: no" in Finding(False, error="no").told()
    assert "```python" in Finding(True, "t", "c", "o").told()


# -- prompts


def test_prompts_carry_what_was_found_within_bounds() -> None:
    context = [("researcher", "r" * 100_000), ("coder", "c" * 100_000)]
    for ask in (crew_prompts.research, crew_prompts.write, crew_prompts.check):
        prompt = ask("Tell it", "Why?", context)
        assert "<question>\nWhy?\n</question>" in prompt.text
        assert "By: coder\nccc" in prompt.text
        assert len(prompt.text.encode()) < 32_000
    assert "<question>\nWhy?\n</question>" in crew_prompts.plan("Why?").text
