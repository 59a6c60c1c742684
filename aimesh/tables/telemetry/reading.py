"""Traces as callers see them: summaries from memory, and everything about one from its rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from aimesh.core import mesh_spans, message_spans
from aimesh.core.moments import time_text
from aimesh.core.spans import FAILED, RUNNING, Handoff, Span
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import Trace

Shown = dict[str, Any]


@dataclass(frozen=True)
class Detail:
    """Everything about a trace; ``cut`` tells how many of its messages were left out."""

    trace: Shown
    spans: list[Span]
    handoffs: list[Handoff]
    events: list[Shown]
    cut: int


def summary(tables: TelemetryTables, trace: Trace) -> Shown:
    """Return what a list says of a trace."""
    ended = trace.status != RUNNING
    started = trace.started
    if trace.task_id:
        name = f"task {trace.task_id}"
    else:
        name = f"task for {tables.messages.group_of(trace.first).queue.name}"
    return {
        "trace_id": trace.trace_id,
        "name": name,
        "kind": "mesh" if trace.task_id else "agents",
        "status": trace.status,
        "start_time": time_text(started),
        "end_time": time_text(started + trace.duration / 1000) if ended else None,
        "duration_ms": trace.duration if ended else None,
        "updated_at": time_text(trace.last_at),
        "message_count": trace.messages,
        "pending_tasks": trace.open,
        "error_count": tables.errors.count_of_trace(trace.trace_id),
        "total_tokens": trace.tokens,
        "llm_calls": trace.calls,
        "session_id": trace.session or None,
        "user_id": trace.user or None,
        "task_id": trace.task_id or None,
    }


def of_mesh(tables: TelemetryTables, trace_id: str) -> Trace | None:
    """Return the mesh's trace with this id, or that of the task with it."""
    return tables.traces.of_task(trace_id) or tables.tasks.of_task(trace_id)


def detail(tables: TelemetryTables, trace_id: str, limit: int) -> Detail | None:
    """Return everything about a trace, None where nothing is known of it.

    Arguments:
        tables: the tables.
        trace_id: the trace's id, or the id of a task of the mesh.
        limit: how many of its messages, and how many of its errors, are read at most.
    """
    agents = tables.traces.of_messages(trace_id)
    mesh = of_mesh(tables, trace_id)
    errors = _errors(tables, mesh.trace_id if mesh else trace_id, limit)
    if agents is None and mesh is None and not errors:
        return None
    spans: list[Span] = []
    handoffs: list[Handoff] = []
    events: list[Shown] = []
    cut = 0
    if agents is not None:
        messages = _messages(tables, agents, limit)
        cut = agents.messages - len(messages)
        spans, handoffs = message_spans.spans_of(
            messages, _answers(tables, agents, messages, limit), time.time()
        )
        events += [_of_message(message) for message in messages]
    if mesh is not None:
        known = tables.tasks.events(mesh)
        of_task = mesh_spans.spans_of(mesh.task_id, known)
        spans += of_task
        handoffs += mesh_spans.handoffs_of(of_task)
        events += [_of_event(event) for event in known]
    events = sorted([*events, *errors], key=lambda event: str(event["timestamp"]))
    known_trace = agents or mesh
    shown = summary(tables, known_trace) if known_trace else _of_errors(trace_id, errors)
    shown["span_count"] = len(spans)
    shown["agents"] = sorted({span.agent for span in spans if span.agent})
    return Detail(shown, spans, handoffs, events, cut)


def _messages(tables: TelemetryTables, trace: Trace, limit: int) -> list[Shown]:
    numbers = islice(tables.messages.of_trace(trace), limit)
    return [orjson.loads(body) for body in tables.messages.bodies(numbers)]


def _answers(
    tables: TelemetryTables, trace: Trace, messages: list[Shown], limit: int
) -> dict[str, Shown]:
    """Return answers to a trace's tasks that are not among its own messages."""
    own = {message["message_id"] for message in messages}
    found: dict[str, Shown] = {}
    for number in islice(tables.messages.of_trace(trace), limit):
        answer = tables.messages.tasks.answer_to(number)
        if answer is None or tables.messages.trace_number_of(answer) == trace.number:
            continue
        for body in tables.messages.bodies((answer,)):
            message = orjson.loads(body)
            parent = message["parent_message_id"]
            if parent in own:
                found[parent] = message
    return found


def _errors(tables: TelemetryTables, trace_id: str, limit: int) -> list[Shown]:
    numbers = islice(tables.errors.matching(trace_id=trace_id).oldest(), limit)
    return [_of_error(orjson.loads(row)) for row in tables.errors.rows(numbers)]


def _of_errors(trace_id: str, errors: list[Shown]) -> Shown:
    """Return the summary of a trace of which only errors are known."""
    return {
        "trace_id": trace_id,
        "name": f"errors of {errors[0]['agent_name']}",
        "kind": "errors",
        "status": FAILED,
        "start_time": errors[0]["timestamp"],
        "end_time": errors[-1]["timestamp"],
        "duration_ms": None,
        "updated_at": errors[-1]["timestamp"],
        "message_count": 0,
        "pending_tasks": 0,
        "error_count": len(errors),
        "total_tokens": 0,
        "llm_calls": 0,
        "session_id": None,
        "user_id": None,
        "task_id": None,
    }


def _of_message(message: Mapping[str, Any]) -> Shown:
    return {"type": message["message_type"], **_without(message, "message_type")}


def _of_error(error: Mapping[str, Any]) -> Shown:
    return {"type": "agent_error", **error}


def _of_event(event: Mapping[str, Any]) -> Shown:
    return {
        "type": event["kind"],
        "timestamp": event["at"],
        "agent_name": event.get("agent", ""),
        "attempt": event["attempt"],
        **{name: value for name, value in event["data"].items() if name != "type"},
    }


def _without(message: Mapping[str, Any], *names: str) -> Shown:
    return {name: value for name, value in message.items() if name not in names}
