"""The rehearsal model's script: what it proposes, how it solves, reviews and embeds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from aimesh.core import prompts
from aimesh.core.answers import code_of, task_of
from aimesh.core.memories import Recollection
from aimesh.core.text import cut
from aimesh.embedded.rehearsal.catalogue import Entry, catalogue, further_tasks
from aimesh.embedded.rehearsal.embedding import cosine, embedding
from aimesh.embedded.rehearsal.reading import read
from aimesh.embedded.rehearsal.script import Script
from aimesh.embedded.rehearsal.sequence import NEAR_EVERY, reworded
from aimesh.embedded.rehearsal.solving import Catalogue

NEAR = 0.92
EVERYTHING = catalogue() + further_tasks()
BUGGY = [entry for entry in EVERYTHING if entry.wrong and not entry.hopeless]


def asked(script: Script, prompt: prompts.Prompt) -> str:
    return script.answer(read(prompt.system, prompt.text))


def proposed(script: Script, avoid: Sequence[str] = ()) -> str:
    task = task_of(asked(script, prompts.brainstorm(avoid)))
    assert task is not None
    return task.text


def solved(
    entry: Entry,
    memories: Sequence[Recollection] = (),
    feedback: prompts.Feedback | None = None,
) -> str | None:
    script = Script(garbage_every=0)
    prompt = prompts.solve(entry.statement, memories, feedback, entry.cases)
    return code_of(asked(script, prompt))


def likeness(left: str, right: str) -> float:
    return cosine(embedding(left), embedding(right))


def kind(entry: Entry) -> str:
    return entry.key.rsplit("/", 1)[0]


def test_every_proposal_is_a_task_of_the_catalogue_with_two_cases() -> None:
    script, known = Script(), Catalogue()
    for _ in range(50):
        task = task_of(asked(script, prompts.brainstorm()))
        assert task is not None
        assert known.find(task.text) is not None
        assert len(task.cases) == 2


def test_well_over_150_different_tasks_are_proposed_with_a_near_one_now_and_then() -> None:
    script = Script()
    texts: list[str] = []
    near = 0
    for number in range(1, 301):
        text = proposed(script)
        if max((likeness(text, earlier) for earlier in texts[-60:]), default=0) >= NEAR:
            near += 1
            assert number % NEAR_EVERY == 0
        texts.append(text)
    assert len(set(texts)) == 300
    assert 5 <= near <= 300 // NEAR_EVERY


def test_the_same_seed_gives_the_same_sequence_and_another_seed_another() -> None:
    runs = [[proposed(script) for _ in range(20)] for script in map(seeded, (1, 1, 2))]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def seeded(seed: int) -> Script:
    return Script(seed=seed)


def test_a_task_to_avoid_is_never_proposed() -> None:
    first = proposed(Script())
    script = Script()
    assert all(proposed(script, [first]) != first for _ in range(250))


def test_after_a_restart_new_tasks_are_found_in_a_few_steps() -> None:
    before = Script()
    known = [proposed(before) for _ in range(120)]
    script, steps = Script(), 0
    avoid: list[str] = []
    while (text := proposed(script, avoid)) in known:
        avoid = [text]  # the producer names the one that was too near
        steps += 1
    assert steps <= 8


def test_what_is_to_be_avoided_tells_a_restarted_model_how_far_it_was() -> None:
    before = Script()
    known = [proposed(before) for _ in range(60)]
    assert proposed(Script(), known[-20:]) not in known


def test_an_endless_run_goes_on_when_all_tasks_are_used() -> None:
    script = Script()
    assert all(proposed(script) for _ in range(len(EVERYTHING) + 100))


@pytest.mark.parametrize("entry", BUGGY[::7], ids=lambda entry: entry.name)
def test_feedback_leads_from_one_try_to_the_next_and_to_the_solution(entry: Entry) -> None:
    code = solved(entry)
    for wrong in entry.wrong:
        assert code == wrong
        code = solved(entry, feedback=prompts.Feedback(wrong, "Traceback: it failed"))
    assert code == entry.right


def test_some_tasks_fail_twice_and_some_always() -> None:
    assert len({kind(entry) for entry in BUGGY if len(entry.wrong) == 2}) >= 3
    hopeless = next(entry for entry in EVERYTHING if entry.hopeless)
    feedback = None
    for number in range(6):
        code = solved(hopeless, feedback=feedback)
        assert code == hopeless.wrong[number % 2]
        feedback = prompts.Feedback(code, "it failed")


def test_a_task_without_feedback_or_memory_always_gets_the_same_answer() -> None:
    entry = BUGGY[0]
    assert solved(entry) == solved(entry) == entry.wrong[0]


def siblings(entry: Entry) -> list[Entry]:
    return [
        other
        for other in catalogue()
        if other.family == entry.family
        and other.name != entry.name
        and entry.pitfalls[0] in other.pitfalls
        and not other.hopeless
    ]


ONE_TRY = [entry for entry in catalogue() if len(entry.wrong) == 1]


@pytest.mark.parametrize("entry", ONE_TRY[::4], ids=lambda entry: entry.name)
def test_a_siblings_failure_in_memory_mends_the_first_try(entry: Entry) -> None:
    for sibling in siblings(entry):
        wrong = sibling.wrong[sibling.pitfalls.index(entry.pitfalls[0])]
        memory = Recollection("failure", sibling.statement, wrong, "it failed", 0.5)
        assert solved(entry, [memory]) == entry.right


def test_a_failure_of_another_kind_in_memory_helps_nothing() -> None:
    entry = next(entry for entry in ONE_TRY if entry.family == "lists")
    other = next(entry for entry in ONE_TRY if entry.family == "graphs")
    failure = Recollection("failure", other.statement, other.wrong[0], "KeyError: 'c'")
    pattern = Recollection("pattern", other.statement, other.right)
    assert solved(entry, [failure, pattern]) == entry.wrong[0]


def test_garbage_comes_now_and_then_and_never_after_feedback() -> None:
    script = Script()
    answers = [code_of(asked(script, prompts.solve(entry.statement))) for entry in EVERYTHING]
    garbage = [entry for entry, code in zip(EVERYTHING, answers, strict=True) if code is None]
    assert len(EVERYTHING) / 50 <= len(garbage) <= len(EVERYTHING) / 12
    told = prompts.Feedback("", "the answer contained no Python code")
    for entry in garbage:
        assert code_of(asked(script, prompts.solve(entry.statement, feedback=told))) is not None


def test_every_program_survives_the_shape_of_its_answer() -> None:
    for entry in EVERYTHING:
        assert solved(entry) == (entry.wrong[0] if entry.wrong else entry.right)


def test_a_task_that_is_cut_or_reworded_is_still_known() -> None:
    known = Catalogue()
    for number, entry in enumerate(EVERYTHING):
        assert known.find(cut(entry.statement, prompts.EXCERPT_BYTES)) == entry
        assert known.find(reworded(entry, number * NEAR_EVERY)) == entry


@pytest.mark.parametrize(
    "text", ["", "Write prime_factors", "Call f(1).", "Explain recursion", "\ud800"]
)
def test_other_texts_are_not_taken_for_tasks_of_the_catalogue(text: str) -> None:
    assert Catalogue().find(text) is None


def test_a_review_quotes_the_output_and_names_the_fault() -> None:
    entry = BUGGY[0]
    script = Script()
    good = prompts.review(entry.statement, entry.right, True, "f(1) -> 2\n", "passed", 1)
    bad = prompts.review(entry.statement, entry.wrong[0], False, "ValueError: no", "failed", 3)
    assert "> f(1) -> 2" in asked(script, good)
    assert entry.remark in asked(script, good)
    assert "> ValueError: no" in asked(script, bad)
    assert "empty input" in asked(script, bad)
    assert "rehearsal" in asked(script, bad)
    assert "printed nothing" in asked(script, prompts.review("Task", "x", True, "", "passed", 1))


def test_kinds_of_questions_are_told_apart_whatever_a_task_says() -> None:
    task = "Explain <error>\nx\n</error> and <code>\ny\n</code>"
    solve = prompts.solve(task)
    fix = prompts.solve(task, feedback=prompts.Feedback("z", "boom"))
    assert read(solve.system, solve.text).kind == "solve"
    question = read(fix.system, fix.text)
    assert (question.kind, question.code, question.error) == ("fix", "z", "boom")
    assert read("", "Hello").kind == "other"


def test_an_embedding_is_a_unit_vector_that_never_changes() -> None:
    vector = embedding("Reverse a list.")
    assert len(vector) == 256
    assert cosine(vector, vector) == pytest.approx(1)
    assert vector[:2] == embedding("Reverse a list.")[:2]
    assert len(embedding("Reverse a list.", 64)) == 64
    assert cosine(embedding(""), embedding("")) == pytest.approx(1)


def test_near_repetitions_are_near_and_all_other_tasks_are_not() -> None:
    for number, entry in enumerate(EVERYTHING):
        assert likeness(entry.statement, reworded(entry, number * NEAR_EVERY)) >= NEAR
    by_family = itertools.groupby(sorted(EVERYTHING, key=family), key=family)
    for _, members in by_family:
        for left, right in itertools.combinations(members, 2):
            assert likeness(left.statement, right.statement) < NEAR, (left.key, right.key)


def family(entry: Entry) -> str:
    return entry.family


def test_siblings_are_nearer_than_strangers() -> None:
    same, related, unrelated = [], [], []
    for left, right in itertools.combinations(catalogue()[::2], 2):
        score = likeness(left.statement, right.statement)
        if kind(left) == kind(right):
            same.append(score)
        elif left.family == right.family:
            related.append(score)
        else:
            unrelated.append(score)
    averages = [sum(scores) / len(scores) for scores in (same, related, unrelated)]
    assert averages[0] > averages[1] + 0.1
    assert averages[1] > averages[2] + 0.1
