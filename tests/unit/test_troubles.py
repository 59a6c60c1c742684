"""The mesh's own agents tell of what goes wrong in their work, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aimesh.core import trace
from aimesh.core.telemetry import DetailedError
from aimesh.errors import UnavailableError
from aimesh.records import Task, Verdict
from aimesh.stage import Job, Rejected, Send, Skipped
from aimesh.telemetry import Telemetry
from aimesh.troubles import AGAIN_SECONDS, Troubles
from tests.clock import Clock

JOB = Job(task_id="t-1", attempt=2, topic="ai_topic", partition=0, offset=7, value="{}")
TASK = Task(task="sort a list", task_id="t-1", attempt=2)


class Kept(Telemetry):
    """Keeps what is told instead of sending it."""

    def __init__(self) -> None:
        super().__init__("nowhere:1", agent="consumer")
        self.errors: list[DetailedError] = []

    def record_error(
        self, error_message: str, *, error_type: str = "Error", **details: Any
    ) -> DetailedError | None:
        error = super().record_error(error_message, error_type=error_type, **details)
        assert error is not None
        self.errors.append(error)
        return error


@pytest.fixture
def kept() -> Kept:
    return Kept()


def failing(error: Exception) -> Any:
    async def work(record: Any, job: Job) -> Sequence[Send]:
        raise error

    return work


async def test_a_model_that_is_down_is_told_with_what_to_do_and_where_in_the_trace(
    kept: Kept,
) -> None:
    work = Troubles(kept, model="gemma3:1b").told(
        failing(UnavailableError("ollama", "no answer", remedy="start it"))
    )
    with pytest.raises(UnavailableError):
        await work(TASK, JOB)
    [error] = kept.errors
    assert (error.category, error.is_retryable) == ("network_error", True)
    assert error.suggested_fixes[0] == "start it"
    assert (error.model_name, error.prompt_preview) == ("gemma3:1b", "sort a list")
    assert error.trace_id == trace.trace_id("t-1")
    assert error.input_data["attempt"] == 2


async def test_an_outage_is_told_once_a_minute_and_not_once_a_try(kept: Kept) -> None:
    clock = Clock()
    work = Troubles(kept, clock=clock).told(failing(UnavailableError("qdrant", "away")))
    for _ in range(5):
        with pytest.raises(UnavailableError):
            await work(TASK, JOB)
    assert len(kept.errors) == 1
    clock.now += AGAIN_SECONDS
    with pytest.raises(UnavailableError):
        await work(TASK, JOB)
    assert [error.tool_name for error in kept.errors] == ["qdrant", "qdrant"]


@pytest.mark.parametrize("error", [Rejected("no"), Skipped()])
async def test_what_is_no_error_of_the_agent_is_not_told(kept: Kept, error: Exception) -> None:
    with pytest.raises(type(error)):
        await Troubles(kept).told(failing(error))(TASK, JOB)
    assert kept.errors == []


@pytest.mark.parametrize(("verdict", "told"), [("sandbox_error", 1), ("failed", 0)])
async def test_a_fault_of_the_sandbox_is_told_and_code_that_fails_is_not(
    kept: Kept, verdict: str, told: int
) -> None:
    async def work(record: Any, job: Job) -> Sequence[Send]:
        found = Verdict(task="t", task_id="t-1", verdict=verdict, error="x")
        return [Send("ai_verified_solutions", found)]

    assert len(await Troubles(kept).told(work)(TASK, JOB)) == 1
    assert [error.tool_name for error in kept.errors] == ["sandbox"] * told


@pytest.mark.parametrize(("what", "severity"), [("dead", "critical"), ("buried", "error")])
def test_a_dead_letter_is_told_with_the_way_back(kept: Kept, what: str, severity: str) -> None:
    Troubles(kept).of_job(what, JOB, {"error": "it took too long", "error_type": "TimeoutError"})
    [error] = kept.errors
    assert (error.category, error.severity) == ("timeout_error", severity)
    assert "redrive" in error.suggested_fixes[-1]


def test_work_that_is_done_is_not_told(kept: Kept) -> None:
    Troubles(kept).of_job("done", JOB, {})
    assert kept.errors == []
