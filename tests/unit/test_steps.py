"""Steps inside of jobs: told as they begin and end, and spans of the task's trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aimesh.core.mesh_spans import spans_of
from aimesh.core.spans import Span
from aimesh.stage import Job, Send
from aimesh.steps import step, stepwise
from tests.telemetry import event

JOB = Job(task_id="t-1", attempt=2, topic="ai_topic", partition=0, offset=7, value="{}")


class Told:
    """Keeps what is told instead of sending it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, **data: Any) -> None:
        self.events.append((name, data))


async def test_steps_are_told_for_the_job_that_does_them() -> None:
    told: Any = Told()

    async def work(record: Any, job: Job) -> Sequence[Send]:
        with step("memory", "memory"):
            assert [name for name, _ in told.events] == ["step_started"]
        with pytest.raises(TimeoutError), step("model", "gemma3:1b"):
            raise TimeoutError("too slow")
        return []

    await stepwise(told, work)(None, JOB)
    names = [name for name, _ in told.events]
    assert names == ["step_started", "step_ended"] * 2
    _, ended = told.events[-1]
    assert (ended["task_id"], ended["attempt"], ended["step"]) == ("t-1", 2, 2)
    assert (ended["error_type"], ended["error"]) == ("TimeoutError", "too slow")


async def test_a_step_outside_of_a_job_is_nobodys() -> None:
    told: Any = Told()

    async def work(record: Any, job: Job) -> Sequence[Send]:
        return []

    await stepwise(told, work)(None, JOB)
    with step("model", "m"):
        pass
    assert told.events == []


# -- spans


def started(seconds: float, number: int = 1, of: str = "model", agent: str = "consumer") -> Any:
    return event("t", "step_started", seconds, agent=agent, step=number, of=of, what="m")


def ended(seconds: float, number: int = 1, agent: str = "consumer", **more: Any) -> Any:
    return event("t", "step_ended", seconds, agent=agent, step=number, of="model", **more)


def inner(*events: Any) -> list[Span]:
    return [span for span in spans_of("t", events) if span.kind not in ("task", "agent")]


STAGE = event("t", "started", 1, agent="consumer")


def test_a_model_that_is_being_asked_is_seen() -> None:
    [span] = inner(STAGE, started(2))
    assert (span.name, span.status, span.end) == ("chat m", "running", None)
    [stage] = [span for span in spans_of("t", [STAGE]) if span.kind == "agent"]
    assert span.parent == stage.span_id


def test_every_try_is_a_span_and_what_came_of_it_belongs_to_the_last() -> None:
    answer = event("t", "solution", 9, model="m", duration_s=2, input_tokens=3, output_tokens=4)
    first, second = inner(
        STAGE, started(2), ended(3, error="no answer", error_type="UnavailableError"),
        started(6), ended(8), answer,
    )  # fmt: skip
    assert (first.status, first.attributes["error.type"]) == ("failed", "UnavailableError")
    assert (second.status, second.duration_ms) == ("completed", 2000)
    assert second.attributes["gen_ai.usage.output_tokens"] == 4
    assert first.span_id != second.span_id


def test_a_step_whose_worker_was_lost_ends_when_it_is_begun_again() -> None:
    lost, again = inner(STAGE, started(2), started(10))
    assert (lost.status, lost.attributes["error"]) == ("failed", "its worker was lost")
    assert again.status == "running"


def test_a_step_whose_end_was_not_told_ends_with_its_stage() -> None:
    [span] = inner(STAGE, started(2), event("t", "done", 5, agent="consumer"))
    assert (span.status, span.duration_ms) == ("completed", 3000)


def test_a_run_of_the_sandbox_that_fails_is_a_failed_span_with_its_verdict() -> None:
    [span] = inner(
        event("t", "started", 1, agent="sandbox"),
        started(2, of="tool", agent="sandbox"),
        ended(3, agent="sandbox"),
        event(
            "t",
            "verdict",
            3,
            agent="sandbox",
            verdict="failed",
            success=False,
            wall_s=0.5,
            error="IndexError",
        ),
    )
    assert (span.status, span.duration_ms) == ("failed", 1000)
    assert span.attributes["verdict"] == "failed"


def test_without_told_steps_results_still_make_spans() -> None:
    [span] = inner(STAGE, event("t", "solution", 9, model="m", duration_s=2))
    assert (span.name, span.duration_ms) == ("chat m", 2000)


def test_a_review_belongs_to_the_attempt_whose_stage_asked_for_it() -> None:
    [span] = inner(
        event("t", "started", 1, agent="reviewer", attempt=3),
        event("t", "step_started", 2, agent="reviewer", attempt=3, step=1, of="model", what="m"),
        event("t", "step_ended", 4, agent="reviewer", attempt=3, step=1, of="model"),
        event("t", "review", 5, model="m", output_tokens=7, success=True),
    )
    assert (span.attributes["attempt"], span.attributes["gen_ai.usage.output_tokens"]) == (3, 7)
