"""How long the work of agents took: their tasks that ended, newest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from aimesh.core import mesh_spans, trace
from aimesh.core.mesh_events import Event
from aimesh.core.moments import time_text
from aimesh.core.spans import Span
from aimesh.records import now
from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import Trace
from aimesh.views.problems import Problem, integer
from aimesh.views.telemetry.common import Source, answer, cursor, text

MOST, DEFAULT = 500, 100
PATH = "/api/v1/metrics/spans"

Shown = dict[str, Any]


class SpanMetricsViews:
    """Answers about spans that have ended."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def routes(self) -> list[web.RouteDef]:
        """Return the path ``/api/v1/metrics/spans``."""
        return [web.get(PATH, self.spans)]

    async def spans(self, request: web.Request) -> web.Response:
        """Return spans that have ended, newest first: of a trace, of an agent, or all."""
        trace_id, agent = text(request, "trace_id"), text(request, "agent_name", "agent")
        limit = integer(request, "limit", DEFAULT, MOST)
        start = cursor(request, "s")
        tables = self._source.tables
        if trace_id:
            return answer(_of_trace(tables, trace_id, agent, limit))
        found = list(islice(_ended(tables, agent, start[0] if start else None), limit + 1))
        shown = found[:limit]
        body = {
            "total": _total(tables, agent),
            "metrics": [one for _, one in shown],
            "next_cursor": f"s{shown[-1][0]}" if len(found) > limit else None,
            "as_of": now(),
        }
        return answer(body)


def _of_trace(tables: TelemetryTables, trace_id: str, agent: str, limit: int) -> Shown:
    found = reading.detail(tables, trace_id, limit)
    if found is None:
        raise Problem(404, "No such trace", f"there is no trace {trace_id!r}, or no longer")
    name = found.trace["trace_id"]
    ended = [s for s in found.spans if s.end is not None and agent in ("", s.agent)]
    ended.sort(key=lambda span: span.end or 0.0, reverse=True)
    shown = [_metric(span, name) for span in ended[:limit]]
    return {"total": len(ended), "metrics": shown, "next_cursor": None, "as_of": now()}


def _total(tables: TelemetryTables, agent: str) -> int:
    if not agent:
        return tables.messages.tasks.ended_count + tables.tasks.ended_count()
    queue = tables.messages.queues.get(tables.agents.key_of(agent))
    return (queue.ended_count if queue else 0) + tables.tasks.ended_count(agent)


def _ended(tables: TelemetryTables, agent: str, before: int | None) -> Iterator[tuple[int, Shown]]:
    """Iterate over what has ended, newest first, each with its place in the order of everything."""
    of_agents = (
        (ordinal, partial(_of_task, tables, task))
        for ordinal, task in _ended_tasks(tables, agent, before)
    )
    of_mesh = (
        (ordinal, partial(_of_stage, event, known))
        for ordinal, event, known in tables.tasks.ended(agent, before)
    )
    for ordinal, make in heapq.merge(of_agents, of_mesh, key=lambda one: one[0], reverse=True):
        yield ordinal, make()


def _ended_tasks(
    tables: TelemetryTables, agent: str, before: int | None
) -> Iterator[tuple[int, int]]:
    messages = tables.messages
    ended = messages.tasks.ended
    if agent:
        queue = messages.queues.get(tables.agents.key_of(agent))
        if queue is None:
            return
        ended = queue.ended
    for number in ended.newest(None if before is None else messages.from_ordinal(before)):
        task = messages.tasks.ended_by(number)
        if task is not None:
            yield messages.ordinal_of(number), task


def _of_task(tables: TelemetryTables, task: int) -> Shown:
    messages = tables.messages
    start, end = messages.tasks.time_of(task), messages.tasks.ended_at(task)
    bodies = messages.bodies((task,))
    known: Shown = orjson.loads(bodies[0]) if bodies else {}
    return {
        "span_id": trace.span_id(known.get("message_id", "")),
        "trace_id": known.get("trace_id"),
        "name": f"invoke_agent {known.get('target_agent', '')}",
        "kind": "agent",
        "agent_name": known.get("target_agent", ""),
        "status": messages.tasks.outcome(task),
        "start_time": time_text(start),
        "end_time": None if end is None else time_text(end),
        "duration_ms": None if end is None else round(max(0.0, end - start) * 1000, 3),
    }


def _of_stage(event: Event, known: Trace) -> Shown:
    return _metric(mesh_spans.ended_stage(known.task_id, event), known.trace_id)


def _metric(span: Span, trace_id: str) -> Shown:
    shown = span.shown(trace_id)
    names = (
        "span_id",
        "trace_id",
        "name",
        "kind",
        "agent_name",
        "status",
        "start_time",
        "end_time",
        "duration_ms",
    )
    return {name: shown[name] for name in names}
