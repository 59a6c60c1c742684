"""The typed records on the mesh's topics.

Field names are a contract with other programs: add fields freely, remove or rename none.
Values travel as plain JSON objects, so that any client can read and write them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import faust

from aimesh.core.moments import rfc3339


def now() -> str:
    """The time as RFC 3339 in UTC with milliseconds, as every record carries it."""
    return rfc3339(datetime.now(UTC))


class Task(faust.Record, namespace="aimesh.Task", serializer="json", include_metadata=False):
    """A coding task, or a request to fix an earlier attempt at it."""

    task: str
    task_id: str = ""
    attempt: int = 1
    source: str = "external"
    parent_solution: str = ""
    feedback: dict[str, Any] | None = None
    created_at: str = ""
    cases: list[Any] = []  # noqa: RUF012  # [{"call": "f(2)", "expected": "4"}], never mutated


class Solution(
    faust.Record, namespace="aimesh.Solution", serializer="json", include_metadata=False
):
    """A model's solution of one attempt at a task."""

    task_id: str
    task: str
    attempt: int = 1
    solution: str = ""
    answer: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_s: float = 0.0
    created_at: str = ""
    feedback: dict[str, Any] | None = None
    memories: list[Any] = []  # noqa: RUF012  # what was recalled: [{"text", "kind", "score"}]
    cases: list[Any] = []  # noqa: RUF012


class Verdict(Solution, namespace="aimesh.Verdict", serializer="json", include_metadata=False):
    """A solution with what the sandbox saw when it ran."""

    success: bool = False
    exec_output: str = ""
    verdict: str = ""
    exit_code: int | None = None
    signal: int | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    max_rss_bytes: int = 0
    truncated: bool = False
    isolation: list[Any] = []  # noqa: RUF012  # names of the layers in force
    limit: str = ""
    error: str = ""
    final: bool = False
    reason: str = ""
    cases_passed: int = 0
    cases_total: int = 0


class Review(faust.Record, namespace="aimesh.Review", serializer="json", include_metadata=False):
    """A reviewed task: the end of its way through the mesh."""

    task_id: str
    task: str
    solution: str = ""
    success: bool = False
    exec_output: str = ""
    review: str = ""
    attempts: int = 1
    model: str = ""
    verdict: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    duration_s: float = 0.0
    created_at: str = ""


class Line(faust.Record, namespace="aimesh.Line", serializer="json", include_metadata=False):
    """A log line, a metric or an event that an agent tells of itself."""

    type: str  # log | metric | event
    agent: str
    message: str = ""
    name: str = ""
    value: float | None = None
    task_id: str = ""
    level: str = "info"
    ts: str = ""
    data: dict[str, Any] | None = None


class LagSample(
    faust.Record, namespace="aimesh.LagSample", serializer="json", include_metadata=False
):
    """How far behind one hop is: a topic and the group that reads it."""

    type: str = "lag"
    topic: str = ""
    group: str = ""
    role: str = ""
    end: int | None = None
    committed: int | None = None
    lag: int | None = None
    lag_seconds: float | None = None
    members: int | None = None
    verdict: str = "UNKNOWN"
    reason: str = ""
    trend: str = "flat"
    open: int = 0
    oldest_s: float = 0.0
    ts: str = ""


class GovernorDecision(
    faust.Record, namespace="aimesh.GovernorDecision", serializer="json", include_metadata=False
):
    """Whether the producer may make tasks, and why."""

    type: str = "decision"
    decision_id: str = ""
    topic: str = ""
    state: str = ""
    reason: str = ""
    lag: int | None = None
    threshold: int | None = None
    changed: bool = False
    since: str = ""
    ts: str = ""
    # what a stage needs of every record: the decision's id, and always the first attempt
    task_id: str = ""
    attempt: int = 1


class StageReport(
    faust.Record, namespace="aimesh.StageReport", serializer="json", include_metadata=False
):
    """What a stage of one worker says of itself every few seconds."""

    type: str = "stage"
    role: str = ""
    worker: str = ""
    open: int = 0
    oldest_s: float = 0.0
    deadline_s: float = 0.0
    slots: int = 0
    running: int = 0
    waiting: str = ""
    waiting_since: str = ""
    healed: int = 0
    counts: dict[str, Any] | None = None
    services: list[Any] = []  # noqa: RUF012  # [{"name", "ok", "since", "reason", "remedy"}]
    ts: str = ""


#: What the topics carry, by the kinds of the feed; dead letters are any bytes.
BY_KIND: dict[str, type[faust.Record]] = {
    "task": Task,
    "solution": Solution,
    "verdict": Verdict,
    "review": Review,
    "line": Line,
    "lag": LagSample,
    "decision": GovernorDecision,
    "stage": StageReport,
}
