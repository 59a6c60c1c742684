"""The errors of all agents, found by whatever they are asked for."""

from __future__ import annotations

from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from aimesh.core.telemetry import CATEGORIES, SEVERITIES
from aimesh.records import now
from aimesh.tables.telemetry.posting import Posting
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.views.problems import Problem, integer
from aimesh.views.telemetry.common import Source, answer, choice, cursor, page, rows, text

MOST, DEFAULT = 500, 50
MOST_OF_AGENT = 200
BASE = "/api/v1/errors"


class ErrorViews:
    """Answers about errors."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/errors``."""
        return [
            web.get(BASE, self.errors),
            web.get(f"{BASE}/summary", self.summary),
            web.get(f"{BASE}/agent/{{agent_name}}", self.of_agent),
            web.get(f"{BASE}/{{error_id}}", self.error),
        ]

    async def errors(self, request: web.Request) -> web.Response:
        """Return errors, newest first, that fit all that is asked for."""
        filters = {
            "severity": choice(request, "severity", SEVERITIES),
            "category": choice(request, "category", CATEGORIES),
            "agent": text(request, "agent_name", "agent"),
            "trace_id": text(request, "trace_id", "trace"),
        }
        limit = integer(request, "limit", DEFAULT, MOST)
        start = cursor(request, "e")
        tables = self._source.tables
        found = tables.errors.matching(**filters)
        body = {
            "total": len(found),
            **_listed(tables, found, limit, start),
            "summary": summary(tables),
        }
        return answer(body)

    async def summary(self, request: web.Request) -> web.Response:
        """Return how many errors there are, of each kind."""
        return answer({**summary(self._source.tables), "as_of": now()})

    async def of_agent(self, request: web.Request) -> web.Response:
        """Return an agent's errors, newest first."""
        limit = integer(request, "limit", DEFAULT, MOST_OF_AGENT)
        start = cursor(request, "e")
        tables = self._source.tables
        name = request.match_info["agent_name"]
        found = tables.errors.matching(agent=name)
        known = tables.agents.agents.get(tables.agents.key_of(name))
        if not len(found) and known is None:
            raise Problem(404, "No such agent", f"nothing was seen of an agent {name!r}")
        body = {
            "agent_name": name,
            "error_count": len(found),
            **_listed(tables, found, limit, start),
        }
        return answer(body)

    async def error(self, request: web.Request) -> web.Response:
        """Return one error."""
        name = request.match_info["error_id"]
        row = self._source.tables.errors.find(name)
        if row is None:
            raise Problem(404, "No such error", f"there is no error {name!r}, or no longer")
        return answer({"error": orjson.Fragment(row), "as_of": now()})


def _listed(
    tables: TelemetryTables, found: Posting, limit: int, start: tuple[int, int] | None
) -> dict[str, Any]:
    numbers = list(islice(found.newest(start[0] if start else None), limit + 1))
    shown, last = page(numbers, limit)
    return {
        "errors": rows(tables.errors.rows(shown)),
        "next_cursor": None if last is None else f"e{last}",
        "as_of": now(),
    }


def summary(tables: TelemetryTables) -> dict[str, Any]:
    """Return how many errors are kept, of each kind, and how many were dropped."""
    errors = tables.errors
    return {"total_errors": len(errors), **errors.counts(), "dropped_errors": errors.dropped}
