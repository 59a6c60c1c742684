"""How a stage's runner meets every way in which work can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aimesh.errors import BadAnswerError, ModelMissingError, TooSlowError, UnavailableError
from aimesh.stage import Job, Rejected, Send, Skipped
from aimesh.stage import runner as module
from aimesh.stage.recovery import MOST_RESTARTS, fatal
from aimesh.stage.runner import SLOW_TRIES, Result, Runner
from aimesh.topics import MAX_MESSAGE_BYTES
from tests.waiting import until

JOB = Job("a", 1, "in", 0, 0, "{}")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "backoff", lambda failures, wish=None: 0.0)


def failing(*problems: Exception | None) -> Callable[[Any, Job], Awaitable[list[Send]]]:
    """Work that meets these problems one after the other, the last one again and again."""
    left = list(problems)

    async def work(record: Any, job: Job) -> list[Send]:
        problem = left.pop(0) if len(left) > 1 else left[0]
        if problem is not None:
            raise problem
        return [Send("out", "text")]

    return work


def runner(work: Callable[[Any, Job], Awaitable[list[Send]]], **options: Any) -> Runner:
    return Runner(work, **{"slots": 1, "deadline": 5.0, "tries": 3} | options)


async def outcome(found: Runner) -> Result:
    result = await found.run(None, JOB)
    assert result is not None
    assert not found.waiting
    return result


async def test_an_exception_is_tried_again() -> None:
    result = await outcome(runner(failing(RuntimeError("a"), RuntimeError("b"), None)))
    assert (result.error, result.tries) == ("", 3)
    assert result.sends == [{"topic": "out", "key": None, "text": "text", "headers": {}}]


async def test_exceptions_without_end_are_the_result() -> None:
    result = await outcome(runner(failing(BadAnswerError("gibberish"))))
    assert (result.error, result.error_type, result.tries) == ("gibberish", "BadAnswerError", 3)


@pytest.mark.parametrize(
    "problem",
    [UnavailableError("ollama", "refused"), ModelMissingError("ollama", "not there")],
    ids=["down", "model missing"],
)
async def test_a_service_that_is_down_is_waited_for_without_end(problem: Exception) -> None:
    result = await outcome(runner(failing(*[problem] * 60, None)))
    assert (result.error, result.tries) == ("", 61)


async def test_what_is_waited_for_can_be_seen() -> None:
    may_go_on = asyncio.Event()

    async def work(record: Any, job: Job) -> list[Send]:
        if not may_go_on.is_set():
            raise UnavailableError("ollama", "refused")
        return []

    found = runner(work)
    task = asyncio.create_task(found.run(None, JOB))
    await until(lambda: found.waiting)
    assert found.waiting["a#1"][0] == "ollama: refused"
    may_go_on.set()
    await task
    assert not found.waiting


async def test_each_try_has_a_deadline() -> None:
    async def work(record: Any, job: Job) -> list[Send]:
        await asyncio.Event().wait()
        return []

    result = await outcome(runner(work, deadline=0.02, tries=2))
    assert result.error == "not done within its deadline of 0.02 s"
    assert result.error_type == "TimeoutError"


async def test_a_service_that_is_too_slow_for_one_job_only_is_not_waited_for_without_end() -> None:
    other = Job("other", 1, "in", 0, 1, "{}")
    calls = 0

    async def work(record: Any, job: Job) -> list[Send]:
        nonlocal calls
        if job is other:
            return []
        calls += 1
        await found.run(None, other)  # others get their answers meanwhile
        raise TooSlowError("ollama", "no whole answer within 120 s")

    found = runner(work)
    result = await outcome(found)
    assert calls == SLOW_TRIES
    assert result.error == "ollama: no whole answer within 120 s, tried 5 times"
    assert result.error_type == "TooSlowError"


async def test_a_service_that_is_too_slow_for_all_is_waited_for_much_longer() -> None:
    slow = TooSlowError("ollama", "no whole answer within 120 s")
    assert (await outcome(runner(failing(*[slow] * 24, None)))).error == ""
    assert (await outcome(runner(failing(slow)))).tries == 25


async def test_a_job_that_has_moved_away_is_left_alone() -> None:
    found = runner(failing(UnavailableError("ollama", "refused")))
    assert await found.run(None, JOB, lambda: False) is None
    assert not found.waiting


@pytest.mark.parametrize(
    ("text", "kind"),
    [("x" * MAX_MESSAGE_BYTES, "TooLargeError"), ("\ud800", "UnicodeEncodeError")],
    ids=["too large", "not encodable"],
)
async def test_a_message_that_cannot_be_sent_is_the_result(text: str, kind: str) -> None:
    async def work(record: Any, job: Job) -> list[Send]:
        return [Send("out", text)]

    assert (await outcome(runner(work))).error_type == kind


async def test_work_may_reject_or_skip_its_job() -> None:
    result = await outcome(runner(failing(Rejected("never"))))
    assert (result.error, result.tries) == ("never", 1)
    result = await outcome(runner(failing(Skipped())))
    assert (result.error, result.sends) == ("", [])


async def test_a_cancellation_from_within_is_a_failure_like_any_other() -> None:
    async def work(record: Any, job: Job) -> list[Send]:
        raise asyncio.CancelledError

    assert (await outcome(runner(work))).error == "cancelled from within"


async def test_a_cancellation_from_outside_ends_the_work() -> None:
    async def work(record: Any, job: Job) -> list[Send]:
        await asyncio.Event().wait()
        return []

    task = asyncio.create_task(runner(work).run(None, JOB))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_job_at_which_workers_end_again_and_again_is_given_up() -> None:
    assert fatal(Job("a", 1, "in", 0, 0, "{}", restarts=MOST_RESTARTS - 1)) is None
    result = fatal(Job("a", 1, "in", 0, 0, "{}", restarts=MOST_RESTARTS))
    assert result is not None
    assert result.error == "its worker ended 20 times while it was at work"
