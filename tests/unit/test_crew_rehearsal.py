"""The rehearsal model in the crew: plans that can be read, texts made of what others found."""

from __future__ import annotations

import pytest

from aimesh.core import crew_prompts, prompts
from aimesh.core.answers import code_of
from aimesh.core.crew_joining import Finding
from aimesh.core.crew_plan import plan_of
from aimesh.core.prompts import Prompt
from aimesh.embedded.rehearsal.catalogue import catalogue
from aimesh.embedded.rehearsal.reading import read
from aimesh.embedded.rehearsal.script import Script

MERGE = "Write a function that merges two sorted lists"


def ask(prompt: Prompt) -> str:
    return Script(garbage_every=0).answer(read(prompt.system, prompt.text))


@pytest.mark.parametrize("question", [MERGE, catalogue()[0].statement, "Implement quicksort"])
def test_a_question_that_wants_code_gets_a_coder(question: str) -> None:
    plan = plan_of(ask(crew_prompts.plan(question)))
    assert [step.agent for step in plan] == ["researcher", "coder", "writer", "reviewer"]
    assert plan[1].task == question
    assert all(step.reason for step in plan)


def test_another_question_gets_none() -> None:
    plan = plan_of(ask(crew_prompts.plan("What is Kafka?")))
    assert [step.agent for step in plan] == ["researcher", "writer", "reviewer"]


def test_the_coder_is_given_a_program_that_merges() -> None:
    space: dict[str, object] = {}
    exec(code_of(ask(prompts.solve(MERGE))) or "", space)
    merge = space["merge_sorted"]
    assert callable(merge)
    assert merge([1, 4], [2, 3, 9]) == [1, 2, 3, 4, 9]


def test_research_tells_what_the_catalogue_knows() -> None:
    entry = catalogue()[0]
    found = ask(crew_prompts.research("Gather facts", entry.statement, []))
    assert entry.remark in found
    assert entry.cases[0].call in found
    assert "smaller of their first items" in ask(crew_prompts.research("Gather", MERGE, []))


def test_research_says_what_is_not_known() -> None:
    found = ask(crew_prompts.research("Gather facts", "Who won the cup in 1954?", []))
    assert "not in it" in found


def test_the_writer_and_the_reviewer_use_what_was_found() -> None:
    facts = ask(crew_prompts.research("Gather", MERGE, []))
    program = Finding(True, "It passed.", "print(7)", "1\n7\n").told()
    context = [("researcher", facts), ("coder", program)]
    text = ask(crew_prompts.write("Tell it", MERGE, context))
    assert "smaller of their first items" in text
    assert "`7`" in text
    checked = ask(crew_prompts.check("Check it", MERGE, [*context, ("writer", text)]))
    assert "> 7" in checked
    assert "The question was" in checked


def test_what_failed_is_told() -> None:
    failed = Finding(False, error="timeout after 3 attempts").told()
    assert "timeout" in ask(crew_prompts.write("Tell it", MERGE, [("coder", failed)]))
    assert "coder failed" in ask(crew_prompts.check("Check", MERGE, [("coder", failed)]))


def test_answers_are_always_the_same() -> None:
    for prompt in (crew_prompts.plan(MERGE), crew_prompts.research("x", MERGE, [])):
        assert ask(prompt) == ask(prompt)
