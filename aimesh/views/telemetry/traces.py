"""Traces: whole questions and tasks, visible while they are worked on."""

from __future__ import annotations

from itertools import islice
from typing import Any

from aiohttp import web

from aimesh.core.spans import graph, timeline
from aimesh.records import now
from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.reading import Detail
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import COMPLETED, FAILED, STATUSES, Trace
from aimesh.views.problems import Problem, integer
from aimesh.views.telemetry.common import Source, answer, choice, cursor, rows, text
from aimesh.views.telemetry.trace_rows import TraceRows

MOST, DEFAULT = 1000, 100
MOST_IN_ONE, IN_ONE = 1000, 300
BASE = "/api/v1/traces"


class TraceViews:
    """Answers about traces."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rows = TraceRows()

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/traces``, and that of the totals."""
        one = f"{BASE}/{{trace_id}}"
        return [
            web.get(BASE, self.traces),
            web.get(one, self.trace),
            web.get(f"{one}/spans", self.spans),
            web.get(f"{one}/timeline", self.timeline),
            web.get(f"{one}/graph", self.graph),
            web.get(f"{one}/errors", self.errors),
            web.get("/api/v1/metrics", self.metrics),
        ]

    async def traces(self, request: web.Request) -> web.Response:
        """Return traces, newest first, that fit all that is asked for."""
        trace_id = text(request, "trace_id")
        filters = {
            "status": choice(request, "status", STATUSES),
            "session": text(request, "session_id"),
            "user": text(request, "user_id"),
        }
        limit = integer(request, "limit", DEFAULT, MOST)
        start = cursor(request, "t")
        tables = self._source.tables
        if trace_id:
            found = [t for t in _known(tables, trace_id) if _fits(t, **filters)]
        else:
            before = start[0] if start else None
            found = list(islice(tables.traces.newest(**filters, before=before), limit + 1))
        shown = found[:limit]
        body = {
            "traces": [self._rows.row(tables, trace) for trace in shown],
            "total": len(tables.traces),
            "dropped_traces": tables.traces.dropped,
            "next_cursor": f"t{shown[-1].number}" if len(found) > limit else None,
            "as_of": now(),
        }
        return answer(body)

    def _detail(self, request: web.Request) -> Detail:
        limit = integer(request, "limit", IN_ONE, MOST_IN_ONE)
        trace_id = request.match_info["trace_id"]
        found = reading.detail(self._source.tables, trace_id, limit)
        if found is None:
            raise Problem(404, "No such trace", f"there is no trace {trace_id!r}, or no longer")
        return found

    async def trace(self, request: web.Request) -> web.Response:
        """Return everything about a trace."""
        found = self._detail(request)
        name = found.trace["trace_id"]
        body = {
            "trace": found.trace,
            "spans": [span.shown(name) for span in found.spans],
            "events": found.events,
            "handoffs": [handoff.shown() for handoff in found.handoffs],
            **_cut(found),
        }
        return answer(body)

    async def spans(self, request: web.Request) -> web.Response:
        """Return a trace's spans."""
        found = self._detail(request)
        name = found.trace["trace_id"]
        return answer({"spans": [span.shown(name) for span in found.spans], **_cut(found)})

    async def timeline(self, request: web.Request) -> web.Response:
        """Return everything that happened in a trace, in the order of time."""
        found = self._detail(request)
        entries = timeline(found.trace["trace_id"], found.spans, found.handoffs, found.events)
        return answer({"timeline": entries, **_cut(found)})

    async def graph(self, request: web.Request) -> web.Response:
        """Return who took part in a trace, and who handed work to whom."""
        found = self._detail(request)
        nodes, edges = graph(found.spans, found.handoffs)
        return answer({"nodes": nodes, "edges": edges, **_cut(found)})

    async def errors(self, request: web.Request) -> web.Response:
        """Return the errors of a trace, newest first."""
        limit = integer(request, "limit", IN_ONE, MOST_IN_ONE)
        trace_id = request.match_info["trace_id"]
        tables = self._source.tables
        if known := _known(tables, trace_id):
            trace_id = known[-1].trace_id
        found = tables.errors.matching(trace_id=trace_id)
        if not len(found) and not known:
            raise Problem(404, "No such trace", f"there is no trace {trace_id!r}, or no longer")
        body = {
            "trace_id": trace_id,
            "error_count": len(found),
            "errors": rows(tables.errors.rows(islice(found.newest(), limit))),
            "as_of": now(),
        }
        return answer(body)

    async def metrics(self, request: web.Request) -> web.Response:
        """Return totals over all traces that are kept."""
        tables = self._source.tables
        counts = tables.traces.counts()
        completed, failed = counts[COMPLETED], counts[FAILED]
        ended = completed + failed
        body = {
            "total_traces": len(tables.traces),
            "completed_traces": completed,
            "failed_traces": failed,
            "running_traces": counts["running"],
            "cancelled_traces": counts["cancelled"],
            "dropped_traces": tables.traces.dropped,
            "success_rate": round(completed / ended, 4) if ended else None,
            "total_tokens": tables.traces.tokens,
            "total_llm_calls": tables.traces.calls,
            "avg_duration_ms": round(tables.traces.duration / completed, 3) if completed else None,
            "active_spans": tables.messages.tasks.waiting + tables.traces.stages,
            "as_of": now(),
        }
        return answer(body)


def _known(tables: TelemetryTables, trace_id: str) -> list[Trace]:
    """Return what is known of a trace, or of a task of the mesh with this id."""
    of_both = (tables.traces.of_messages(trace_id), reading.of_mesh(tables, trace_id))
    return [trace for trace in of_both if trace is not None]


def _fits(trace: Trace, status: str, session: str, user: str) -> bool:
    wanted = ((status, trace.status), (session, trace.session), (user, trace.user))
    return all(want in ("", have) for want, have in wanted)


def _cut(found: Detail) -> dict[str, Any]:
    return {"messages_left_out": found.cut, "as_of": now()}
