"""The diagnosis as JSON, as text for a language model, and in short."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from aimesh.core.diagnosis import report
from aimesh.core.diagnosis.prompting import LEAST_BUDGET, prompt
from aimesh.diagnosing import analysis, grouped, rates, slowness
from aimesh.diagnosing.analysis import Analysis, Diagnosis
from aimesh.records import now
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.views.problems import integer
from aimesh.views.telemetry.common import FLAGS, Source, answer, choice

BASE = "/api/v1/claude"
MINUTES, MOST_MINUTES = 15, 60
BUDGET, MOST_BUDGET = 2000, 100_000
MOST, DEFAULT = 50, 10
THRESHOLD_MS, MOST_THRESHOLD = 5000, 86_400_000
FORMATS = ("json", "prompt", "summary")


class ClaudeViews:
    """Answers what is wrong and what to do.

    Arguments:
        source: the telemetry's tables.
        found: makes the diagnosis.
        gateway: returns what a gateway last said of its models.
    """

    def __init__(self, source: Source, found: Analysis, gateway: rates.Models) -> None:
        self._source = source
        self._analysis = found
        self._gateway = gateway

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/claude``."""
        return [
            web.get(f"{BASE}/diagnose", self.diagnose),
            web.get(f"{BASE}/errors", self.errors),
            web.get(f"{BASE}/slow-traces", self.slow_traces),
            web.get(f"{BASE}/rate-limits", self.rate_limits),
            web.get(f"{BASE}/actions", self.actions),
        ]

    async def _made(self, request: web.Request) -> tuple[TelemetryTables, Diagnosis]:
        minutes = integer(request, "time_window_minutes", MINUTES, MOST_MINUTES)
        tables = self._source.tables
        await self._gateway.refresh()
        return tables, await self._analysis.diagnose(tables, minutes)

    async def diagnose(self, request: web.Request) -> web.Response:
        """Return what is wrong, the cause first: ``format=json``, ``prompt`` or ``summary``."""
        form = choice(request, "format", FORMATS)
        budget = integer(request, "budget_tokens", BUDGET, MOST_BUDGET, LEAST_BUDGET)
        tables, found = await self._made(request)
        if form == "summary":
            return answer(self._summary(tables, found))
        body = self._analysis.shown(tables, found)
        body["rate_limits"] = self._rates(found)
        if form == "prompt":
            text = prompt(body, budget)
            return answer({"format": "prompt", "content": text, "budget_tokens": budget,
                           "system_status": found.status, "as_of": now()})  # fmt: skip
        return answer({"format": "json", **body})

    def _summary(self, tables: TelemetryTables, found: Diagnosis) -> dict[str, Any]:
        return {
            "format": "summary",
            "system_status": found.status,
            "system_summary": report.summary(found.status, found.issues),
            "first_cause": found.issues[0].finding.id if found.issues else None,
            "issue_counts": report.counts(found.issues),
            "error_rate": analysis.errors(tables, found.facts)["error_rate"],
            "any_rate_limited": self._rates(found)["any_limited"],
            "suggested_actions": report.actions(found.issues),
            "as_of": now(),
        }

    def _rates(self, found: Diagnosis) -> dict[str, Any]:
        follower = self._analysis.gatherer.follower
        return rates.limits(found, follower, self._gateway.models())

    async def errors(self, request: web.Request) -> web.Response:
        """Return what failed in groups, those that are new or rising first."""
        limit = integer(request, "limit", DEFAULT, MOST)
        with_fixes = choice(request, "include_suggestions", FLAGS) != "false"
        with_raw = choice(request, "include_raw_errors", FLAGS) == "true"
        tables, found = await self._made(request)
        groups = grouped.groups(found, with_fixes=with_fixes)
        body = {
            "total_error_types": len(groups),
            "errors": groups[:limit],
            "error_store_summary": grouped.store(tables),
            "source": "log",
            "as_of": now(),
        }
        if with_raw:
            body["raw_errors"] = analysis.recent(tables, limit)
        return answer(body)

    async def slow_traces(self, request: web.Request) -> web.Response:
        """Return the slowest traces, each with the span that took longest by itself."""
        threshold = integer(request, "threshold_ms", THRESHOLD_MS, MOST_THRESHOLD, 0)
        limit = integer(request, "limit", DEFAULT, MOST)
        tables = self._source.tables
        count, traces = slowness.slowest(tables, threshold, limit)
        return answer({"threshold_ms": threshold, "count": count, "traces": traces, "as_of": now()})

    async def rate_limits(self, request: web.Request) -> web.Response:
        """Return what each model has used of what it may."""
        _, found = await self._made(request)
        return answer({**self._rates(found), "as_of": now()})

    async def actions(self, request: web.Request) -> web.Response:
        """Return what to do, in the order to do it."""
        _, found = await self._made(request)
        todo = report.actions(found.issues)
        body = {
            "system_status": found.status,
            "total_actions": len(todo),
            "actions": todo,
            "as_of": now(),
        }
        return answer(body)
