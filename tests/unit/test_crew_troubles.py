"""The crew tells of what goes wrong besides the tasks that fail, in the traces of its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from aimesh.core import trace
from aimesh.errors import TooSlowError, UnavailableError
from aimesh.stage import Job, Rejected, Send
from aimesh.wiring.crew_troubles import CrewTroubles
from tests.unit.test_troubles import Kept

PLACE: dict[str, Any] = {"topic": "agent-queue-coder", "partition": 0, "offset": 7}


def job(**message: Any) -> Job:
    value = orjson.dumps({"task_id": "m-1", **message}).decode()
    return Job(task_id="m-1", attempt=1, value=value, **PLACE)


def failing(error: Exception) -> Any:
    async def work(record: Any, job: Job) -> Sequence[Send]:
        raise error

    return work


async def failed(error: Exception, at_work: Job) -> Kept:
    kept = Kept()
    with pytest.raises(type(error)):
        await CrewTroubles(kept, model="gemma3:1b").told(failing(error))(None, at_work)
    return kept


@pytest.mark.parametrize("error", [UnavailableError("ollama", "away"), TooSlowError("ollama", "-")])
async def test_a_model_that_is_away_is_told_in_the_trace_of_the_message(error: Exception) -> None:
    [told] = (await failed(error, job(trace_id="t" * 8))).errors
    assert (told.model_name, told.is_retryable) == ("gemma3:1b", True)
    assert (told.trace_id, told.span_id) == ("t" * 8, trace.span_id("m-1"))
    assert told.input_data == {"message_id": "m-1", "message": "agent-queue-coder/0/7"}


async def test_a_message_that_names_no_trace_has_the_one_of_its_id() -> None:
    [told] = (await failed(ValueError("?"), job(trace_id=None))).errors
    assert told.trace_id == trace.trace_id("m-1")


@pytest.mark.parametrize("error", [UnavailableError("crew", "other tasks"), Rejected("no")])
async def test_waiting_for_its_turn_and_refusing_are_no_errors_of_the_agent(
    error: Exception,
) -> None:
    assert (await failed(error, job())).errors == []


def test_a_message_that_is_none_is_told_under_its_place() -> None:
    kept = Kept()
    refused = Job(task_id="coder", attempt=1, value="", **PLACE)
    CrewTroubles(kept).of_job("buried", refused, {"error": "not JSON", "error_type": "Rejected"})
    [told] = kept.errors
    assert (told.category, told.severity) == ("validation_error", "error")
    assert told.input_data["message_id"] == "x-agent-queue-coder-0-7"
    assert told.trace_id == trace.trace_id("x-agent-queue-coder-0-7")
