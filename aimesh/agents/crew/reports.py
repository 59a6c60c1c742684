"""Failures of the crew, as its agents and the observers are told of them."""

from __future__ import annotations

import socket
from typing import Any

from aimesh.core import trace
from aimesh.core.causes import cause_of
from aimesh.core.crew import text_of, trace_of
from aimesh.core.telemetry import AgentMessage, DetailedError
from aimesh.core.text import cut
from aimesh.errors import MeshError
from aimesh.records import now

ERROR_BYTES = 2_000
PREVIEW_BYTES = 400


class Expired(MeshError, TimeoutError):
    """A task's time ran out before it was done."""

    def __init__(self, task: AgentMessage) -> None:
        super().__init__(f"its time of {task.ttl_seconds or 0:g} s has run out")


def failure_payload(exc: BaseException) -> dict[str, Any]:
    """Return what an error message says of a failure."""
    text = cut(str(exc) or type(exc).__name__, ERROR_BYTES, tail=0.7)
    return {"error": text, "error_type": type(exc).__name__}


def error_of(agent: str, task: AgentMessage, exc: BaseException) -> DetailedError:
    """Return what the observers are told of a task that failed."""
    cause = cause_of(exc)
    return DetailedError(
        error_id=trace.trace_id(f"{task.message_id}/{agent}/error"),
        severity="warning" if isinstance(exc, Expired) else cause.severity,
        category="timeout_error" if isinstance(exc, Expired) else cause.category,
        error_type=type(exc).__name__,
        error_message=cut(str(exc) or type(exc).__name__, ERROR_BYTES, tail=0.7),
        error_code=cause.code,
        trace_id=trace_of(task),
        span_id=trace.span_id(task.message_id),
        agent_name=agent,
        operation="task",
        input_data={"message_id": task.message_id, "source_agent": task.source_agent},
        prompt_preview=cut(text_of(task.payload), PREVIEW_BYTES),
        timestamp=now(),
        is_retryable=cause.is_retryable,
        suggested_fixes=list(cause.fixes),
        service_name="aimesh-crew",
        host=socket.gethostname(),
    )
