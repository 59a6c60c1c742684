"""The audit finds what is lost or doubled, and alarms for nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from aimesh.core.audit import (
    REVIEWS,
    ROLES,
    SOLUTIONS,
    STEPS,
    TASKS,
    VERDICTS,
    Audit,
    Message,
    job_key,
)
from aimesh.core.balance import Report, stable
from aimesh.stage import Job

PLACES = iter(range(10**9))


def message(step: str, task_id: str = "t", **facts: object) -> Message:
    place = f"x-{step}-0-{next(PLACES)}"
    return Message(**{"step": step, "place": place, "task_id": task_id, "final": True, **facts})  # type: ignore[arg-type]


def audited(*messages: Message, rows: tuple[str, ...] = (), with_rows: bool = True) -> Report:
    audit = Audit(with_rows=with_rows)
    for row in rows:
        audit.row(row)
    for each in messages:
        audit.message(each)
    return audit.report()


def way(task_id: str = "t", upto: str = REVIEWS, **facts: object) -> list[Message]:
    """The messages of one attempt, from the task to a step."""
    return [message(step, task_id, **facts) for step in STEPS[: STEPS.index(upto) + 1]]


def kinds(report: Report) -> list[str]:
    return sorted(problem.kind for problem in report.problems)


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.tasks_in, report.reviewed, report.dead_lettered, report.in_flight


def test_no_tasks_balance() -> None:
    report = audited()
    assert report.balanced
    assert counts(report) == (0, 0, 0, 0)


def test_a_reviewed_task_with_its_row_balances() -> None:
    report = audited(*way(), rows=("t",))
    assert report.balanced
    assert counts(report) == (1, 1, 0, 0)
    assert report.rows == 1


def test_a_task_that_passes_in_its_third_attempt_is_one_task() -> None:
    tries = [
        *way(upto=VERDICTS, attempt=1, final=False),
        *way(upto=VERDICTS, attempt=2, final=False),
        *way(attempt=3),
    ]
    report = audited(*tries, rows=("t",))
    assert report.balanced
    assert counts(report) == (1, 1, 0, 0)
    assert report.duplicates_absorbed == 0


@pytest.mark.parametrize("order", range(5))
def test_the_order_in_which_topics_are_read_does_not_matter(order: int) -> None:
    messages = [*way("a"), *way("b", upto=SOLUTIONS), *way("c", upto=VERDICTS, final=False)]
    random.Random(order).shuffle(messages)
    report = audited(*messages, rows=("a",))
    assert counts(report) == (3, 1, 0, 0)
    assert kinds(report) == ["lost", "lost"]


# -- in flight


@pytest.mark.parametrize(("step", "role"), list(ROLES.items()))
def test_a_message_that_waits_is_in_flight(step: str, role: str) -> None:
    *before, last = way(upto=step)
    waiting = message(step, waiting=True)
    report = audited(*before, waiting)
    assert last.step == step
    assert report.balanced
    assert counts(report) == (1, 0, 0, 1)
    assert report.in_flight_at == {role: 1}


@pytest.mark.parametrize("step", STEPS)
def test_an_open_job_is_in_flight(step: str) -> None:
    audit = Audit()
    for each in way(upto=step, attempt=2):
        audit.message(each)
    assert audit.needs_open_jobs()
    # persistence knows every review as the first
    audit.open_job(step, job_key("t", 1 if step == REVIEWS else 2, ""), is_open=True)
    assert not audit.needs_open_jobs()
    report = audit.report()
    assert report.balanced
    assert counts(report) == (1, 0, 0, 1)


def test_a_job_that_was_closed_without_an_output_is_lost() -> None:
    audit = Audit()
    audit.message(message(TASKS))
    audit.open_job(TASKS, job_key("t", 1, ""), is_open=True)
    audit.open_job(TASKS, job_key("t", 1, ""), is_open=False)
    assert kinds(audit.report()) == ["lost"]


def test_a_fix_that_is_asked_for_and_waits_is_in_flight() -> None:
    tries = way(upto=VERDICTS, final=False)
    report = audited(*tries, message(TASKS, attempt=2, waiting=True))
    assert report.balanced
    assert report.in_flight_at == {"consumer": 1}


def test_a_review_that_persistence_has_not_taken_yet_is_no_missing_row() -> None:
    report = audited(*way(upto=VERDICTS), message(REVIEWS, waiting=True))
    assert report.balanced
    assert report.in_flight_at == {"persistence": 1}


def test_the_tasks_in_flight_are_told_where_they_got_furthest() -> None:
    report = audited(message(TASKS, waiting=True), message(SOLUTIONS, waiting=True))
    assert report.in_flight_at == {"sandbox": 1}


# -- lost


@pytest.mark.parametrize(("step", "role"), [
    (TASKS, "consumer"), (SOLUTIONS, "sandbox"), (VERDICTS, "reviewer")])  # fmt: skip
def test_what_was_taken_and_went_nowhere_is_lost(step: str, role: str) -> None:
    report = audited(*way("good"), *way("bad", upto=step), rows=("good",))
    [problem] = report.problems
    assert (problem.task_id, problem.kind) == ("bad", "lost")
    assert role in problem.why
    assert counts(report) == (2, 1, 0, 0)
    assert not report.balanced


def test_a_failed_try_without_a_fix_request_is_lost() -> None:
    assert kinds(audited(*way(upto=VERDICTS, final=False))) == ["lost"]


def test_a_review_without_a_row_is_told() -> None:
    report = audited(*way())
    assert kinds(report) == ["row_missing"]
    assert counts(report) == (1, 1, 0, 0)


def test_rows_are_not_missed_where_the_archive_is_left_out() -> None:
    report = audited(*way(), with_rows=False)
    assert report.balanced
    assert report.rows is None


# -- doubled


@pytest.mark.parametrize("step", STEPS)
def test_a_message_that_stands_twice_is_absorbed(step: str) -> None:
    report = audited(*way(digest=7), message(step, digest=7), rows=("t",))
    assert report.balanced
    assert report.duplicates_absorbed == 1


def test_two_rows_of_a_task_are_told() -> None:
    report = audited(*way(), rows=("t", "t"))
    assert kinds(report) == ["row_doubled"]
    assert report.rows == 2


def test_two_reviews_that_differ_are_told() -> None:
    report = audited(*way(digest=1), message(REVIEWS, digest=2), rows=("t",))
    assert kinds(report) == ["reviewed_twice"]


def test_a_row_without_a_review_is_told() -> None:
    assert kinds(audited(*way("a"), rows=("a", "ghost"))) == ["row_unknown"]


def test_a_row_of_a_task_that_is_not_reviewed_is_told() -> None:
    assert kinds(audited(message(TASKS, waiting=True), rows=("t",))) == ["row_unknown"]


def test_what_never_was_a_task_is_told() -> None:
    report = audited(*way()[1:], rows=("t",))
    assert kinds(report) == ["unknown"]
    assert counts(report) == (0, 0, 0, 0)


# -- dead letters


@pytest.mark.parametrize("step", STEPS)
def test_a_task_that_died_in_a_stage_is_dead_lettered(step: str) -> None:
    *before, last = way(upto=step)
    audit = Audit()
    audit.dead_letter(last.place, rejected=False)
    for each in (*before, last):
        audit.message(each)
    assert not audit.needs_open_jobs()
    report = audit.report()
    assert report.balanced
    assert counts(report) == (1, 0, 1, 0)
    assert report.other_dead_letters == 0


def test_what_cannot_be_read_is_a_task_and_a_dead_letter() -> None:
    audit = Audit()
    audit.dead_letter("x-tasks-0-5", rejected=True)
    audit.message(Message(TASKS, "x-tasks-0-5"))
    report = audit.report()
    assert report.balanced
    assert counts(report) == (1, 0, 1, 0)


def test_a_message_that_was_refused_is_no_end_of_the_good_task_of_that_name() -> None:
    audit = Audit()
    audit.row("t")
    refused = message(TASKS)
    audit.dead_letter(refused.place, rejected=True)
    for each in (*way(), refused):
        audit.message(each)
    report = audit.report()
    assert report.balanced
    assert counts(report) == (2, 1, 1, 0)


def test_what_cannot_be_read_and_waits_is_in_flight() -> None:
    report = audited(message(TASKS, "", waiting=True))
    assert report.balanced
    assert counts(report) == (1, 0, 0, 1)


def test_what_cannot_be_read_and_went_nowhere_is_lost() -> None:
    assert kinds(audited(message(TASKS, ""))) == ["lost"]


def test_dead_letters_of_what_is_no_task_are_counted_apart() -> None:
    audit = Audit()
    audit.dead_letter("x-solutions-0-1", rejected=True)
    audit.dead_letter("x-ai_governor-0-1", rejected=False)
    report = audit.report()
    assert report.balanced
    assert report.other_dead_letters == 2


def test_a_letter_that_was_written_twice_is_absorbed() -> None:
    audit = Audit()
    task = message(TASKS)
    for _ in range(2):
        audit.dead_letter(task.place, rejected=False)
    audit.message(task)
    report = audit.report()
    assert counts(report) == (1, 0, 1, 0)
    assert report.duplicates_absorbed == 1


def test_a_run_that_ended_in_two_ways_is_told() -> None:
    audit = Audit()
    audit.row("t")
    died = message(SOLUTIONS)
    audit.dead_letter(died.place, rejected=False)
    for each in (message(TASKS), died, message(VERDICTS), message(REVIEWS)):
        audit.message(each)
    assert kinds(audit.report()) == ["two_outcomes"]


# -- sent back


def redriven(first: Callable[[Audit], None], *again: Message, rows: tuple[str, ...] = ()) -> Report:
    audit = Audit()
    for row in rows:
        audit.row(row)
    first(audit)
    for each in again:
        audit.message(each)
    return audit.report()


def died_once(audit: Audit) -> None:
    task = message(TASKS)
    audit.dead_letter(task.place, rejected=False)
    audit.message(task)


def test_a_task_that_was_sent_back_and_reviewed_is_reviewed() -> None:
    report = redriven(died_once, *way(replay="1"), rows=("t",))
    assert report.balanced
    assert counts(report) == (1, 1, 0, 0)
    assert report.duplicates_absorbed == 0


def test_a_task_that_was_sent_back_and_waits_is_in_flight() -> None:
    report = redriven(died_once, message(TASKS, replay="1", waiting=True))
    assert report.balanced
    assert counts(report) == (1, 0, 0, 1)


def test_a_task_that_was_sent_back_and_went_nowhere_is_lost() -> None:
    assert kinds(redriven(died_once, message(TASKS, replay="1"))) == ["lost"]


def test_an_open_job_of_a_task_that_was_sent_back_is_in_flight() -> None:
    def opened(audit: Audit) -> None:
        died_once(audit)
        audit.open_job(TASKS, "t#1#r1", is_open=True)

    assert redriven(opened, message(TASKS, replay="1")).balanced


def test_two_reviews_of_two_runs_are_no_problem() -> None:
    report = audited(*way(digest=1), *way(replay="1", digest=2), rows=("t",))
    assert report.balanced
    assert counts(report) == (1, 1, 0, 0)


# -- the rest


def test_an_id_is_found_in_the_archive_in_the_form_that_it_is_kept_in() -> None:
    assert audited(*way("\udc80"), rows=("\\udc80",)).balanced


def test_facts_that_are_not_whole_are_a_problem() -> None:
    audit = Audit()
    audit.incomplete("ai_topic/0", "its log begins at offset 5")
    assert kinds(audit.report()) == ["incomplete"]


@pytest.mark.parametrize("headers", [{}, {"replay_count": "2"}])
def test_jobs_are_named_as_the_stage_names_them(headers: dict[str, str]) -> None:
    job = Job("t", 2, "topic", 0, 0, "{}", headers)
    assert job_key("t", 2, headers.get("replay_count", "")) == job.key


def test_the_stable_form_has_the_promised_keys() -> None:
    report = audited(*way("a", upto=TASKS))
    found = stable(report, {"ai_topic": {"0": 1}})
    promised = {"balanced", "tasks_in", "reviewed", "dead_lettered", "in_flight", "rows",
                "duplicates_absorbed", "problems", "read_up_to"}  # fmt: skip
    assert promised <= found.keys()
    assert found["balanced"] is False
    assert found["problems"][0]["task_id"] == "a"
    assert found["read_up_to"] == {"ai_topic": {"0": 1}}
