"""What goes wrong in the agents of the mesh, told through the library that is for all agents."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from aimesh.core import trace
from aimesh.core.causes import cause_named
from aimesh.dead_letters import REJECTED
from aimesh.errors import UnavailableError
from aimesh.records import Verdict
from aimesh.stage import Job, Rejected, Send, Skipped
from aimesh.stage.runner import Work
from aimesh.telemetry import Telemetry

# an outage is told when it begins, and again after so many seconds while it goes on
AGAIN_SECONDS = 60.0
MOST_TEXT = 2000
FAULT = "sandbox_error"
DEAD_FIX = (
    "`aimesh dead-letters show ID` has the whole message; when what the reason names is mended, "
    "send it back with `aimesh dead-letters redrive ID`"
)


class Opened:
    """Begins with the worker; what ends it is not its hubs' end, for stages still work then.

    Arguments:
        telemetry: is started.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def start(self) -> None:
        """Begin to send."""
        await self._telemetry.start()

    async def stop(self) -> None:
        """Nothing: it is closed when all has stopped."""


class Troubles:
    """Tells of the errors of one stage's work.

    Arguments:
        telemetry: of the agent.
        model: that the agent asks, where it asks one.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        model: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry = telemetry
        self._model = model
        self._clock = clock
        self._told_at: dict[str, float] = {}

    def told(self, work: Work) -> Work:
        """Return work that does the same, and whose exceptions and faults are told."""

        async def telling(record: Any, job: Job) -> Sequence[Send]:
            try:
                sends = await work(record, job)
            except (Rejected, Skipped):
                raise  # the one is told as a dead letter, the other is no error
            except Exception as exc:
                self._of_exception(exc, record, job)
                raise
            for send in sends:
                if isinstance(send.value, Verdict) and send.value.verdict == FAULT:
                    self._of_fault(send.value, job)
            return sends

        return telling

    def of_job(self, what: str, job: Job, data: dict[str, Any]) -> None:
        """Tell of a job, or of a message that is none, that has become a dead letter."""
        if what not in ("dead", "buried"):
            return
        kind, reason = str(data.get("error_type") or REJECTED), str(data.get("error", ""))
        cause = cause_named(kind, reason)
        self._telemetry.record_error(
            reason,
            error_type=kind,
            category="validation_error" if cause.category == "unknown" else cause.category,
            severity="critical" if what == "dead" else "error",
            is_retryable=False,
            suggested_fixes=[*cause.fixes, DEAD_FIX],
            **self._about(job, "dead letter"),
        )

    def _of_exception(self, exc: Exception, record: Any, job: Job) -> None:
        more: dict[str, Any] = {}
        if isinstance(exc, UnavailableError):
            if not self._is_news(exc.service):
                return
            if exc.service == "ollama":
                more["model_name"] = self._model
            else:
                more["tool_name"] = exc.service
        if isinstance(text := getattr(record, "task", None), str):
            more["prompt_preview"] = text[:MOST_TEXT]
        self._telemetry.record_error_from_exception(exc, **more, **self._about(job, "work"))

    def _is_news(self, service: str) -> bool:
        now = self._clock()
        if now - self._told_at.get(service, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return False
        self._told_at[service] = now
        return True

    def _of_fault(self, verdict: Verdict, job: Job) -> None:
        self._telemetry.record_error(
            verdict.error or verdict.exec_output or FAULT,
            error_type="SandboxError",
            category="tool_error",
            tool_name="sandbox",
            is_retryable=True,
            suggested_fixes=["Run `aimesh doctor`: it says what the sandbox lacks on this machine"],
            partial_output=verdict.exec_output or None,
            **self._about(job, "run code"),
        )

    def _about(self, job: Job, operation: str) -> dict[str, Any]:
        parent = trace.parse_traceparent(job.headers.get("traceparent", ""))
        root = trace.span_id(job.task_id)
        return {
            "operation": operation,
            "trace_id": parent[0] if parent else trace.trace_id(job.task_id),
            # that of the stage in the task's trace
            "span_id": trace.span_id(f"{root}/{self._telemetry.agent}#{job.attempt}"),
            "input_data": {
                "task_id": job.task_id,
                "attempt": job.attempt,
                "message": f"{job.topic}/{job.partition}/{job.offset}",
            },
            "retry_count": job.restarts,
        }
