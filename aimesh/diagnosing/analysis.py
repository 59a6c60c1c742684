"""The whole diagnosis: what is wrong, how much fails, how long things take, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from aimesh.agents.observer import Observer
from aimesh.core.diagnosis import report
from aimesh.core.diagnosis.facts import Facts
from aimesh.core.diagnosis.groups import MINUTE
from aimesh.core.diagnosis.ranking import Issue, issues, status_of
from aimesh.core.moments import time_text
from aimesh.diagnosing.gathering import Gatherer
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import COMPLETED, FAILED
from aimesh.version import __version__

RECENT = 10
MOST_TRACES = 5000
MOST_TEXT = 300
# what is left to read is told, and read in the background
PATIENCE = 0.05

Shown = dict[str, Any]


@dataclass(frozen=True)
class Diagnosis:
    """What was found, with the facts that it was found from."""

    facts: Facts
    issues: Sequence[Issue]
    status: str


class Analysis:
    """Answers what is wrong.

    Arguments:
        gatherer: knows the facts.
        observer: has the mesh's tables.
    """

    def __init__(self, gatherer: Gatherer, observer: Observer) -> None:
        self._gatherer = gatherer
        self._observer = observer

    @property
    def gatherer(self) -> Gatherer:
        """Knows the facts."""
        return self._gatherer

    async def diagnose(self, tables: TelemetryTables, minutes: int) -> Diagnosis:
        """Return what is wrong within the last minutes."""
        self._gatherer.follower.follow(tables, PATIENCE)
        facts = await self._gatherer.facts(tables, minutes * 60.0)
        found = issues(facts)
        return Diagnosis(facts, found, status_of(found))

    def shown(self, tables: TelemetryTables, diagnosis: Diagnosis) -> Shown:
        """Return a diagnosis as plain data."""
        facts, found = diagnosis.facts, diagnosis.issues
        return {
            "metadata": {
                "generated_at": time_text(facts.at),
                "time_window_minutes": round(facts.window / 60),
                "system_status": diagnosis.status,
                "system_summary": report.summary(diagnosis.status, found),
                "version": __version__,
                "unread_errors": self._gatherer.follower.behind(tables),
            },
            "issues": {
                "counts": report.counts(found),
                "items": [report.shown(issue) for issue in found],
            },
            "errors": errors(tables, facts),
            "performance": performance(tables, facts),
            "hops": [_hop(hop) for hop in facts.hops],
            "services": [_service(service) for service in facts.services],
            "suggested_actions": report.actions(found),
            "debugging_context": self._context(facts),
        }

    def _context(self, facts: Facts) -> Shown:
        governor = self._observer.tables.word("governor") or {}
        return {
            "governor": f"{governor.get('state', 'UNKNOWN')}, {governor.get('reason', 'silent')}",
            "lag": ", ".join(f"{h.role} {h.verdict} {h.lag}" for h in facts.hops) or "unknown",
            "services": ", ".join(f"{s.name} {_word(s.ok)}" for s in facts.services) or "unknown",
            "look_further": "aimesh lag; aimesh top; aimesh tasks; aimesh dead-letters list; "
            "aimesh audit; GET /api/v1/errors, /traces, /claude/slow-traces, /openapi.json",
        }


def errors(tables: TelemetryTables, facts: Facts) -> Shown:
    """Return how much fails, and what failed last."""
    now = sum(group.within(facts.at, facts.window) for group in facts.groups
              if group.sample.source == "error")  # fmt: skip
    return {
        "error_rate": round(facts.failed / facts.ended, 4) if facts.ended else 0.0,
        "failed_tasks": facts.failed,
        "ended_tasks": facts.ended,
        "errors_in_window": now,
        "errors_per_minute": round(now / (facts.window / MINUTE), 3),
        "recent": recent(tables, RECENT),
    }


def recent(tables: TelemetryTables, number: int) -> list[Shown]:
    """Return the newest errors in short."""
    newest = islice(tables.errors.matching().newest(), number)
    return [_short(orjson.loads(row)) for row in tables.errors.rows(newest)]


def _short(record: Shown) -> Shown:
    names = ("error_id", "timestamp", "severity", "category", "error_type", "agent_name",
             "trace_id", "is_retryable", "ref")  # fmt: skip
    return {
        **{name: record.get(name) for name in names},
        "error_message": str(record["error_message"] or "")[:MOST_TEXT],
    }


def performance(tables: TelemetryTables, facts: Facts) -> Shown:
    """Return how long what ended in the window took, and each model and agent."""
    start = facts.at - facts.window
    took = sorted(
        trace.duration
        for trace in islice(tables.traces.newest(), MOST_TRACES)
        if trace.status in (COMPLETED, FAILED) and trace.last_at >= start
    )
    return {
        "latency": _latency(took),
        "measured_traces": len(took),
        "models_and_agents": [
            {
                "name": pace.name,
                "kind": pace.kind,
                "calls": len(late),
                "median_s": round(sorted(s.seconds for s in late)[len(late) // 2], 3),
            }
            for pace in facts.paces
            if (late := pace.split(facts.at, facts.window)[0])
        ],
    }


def _latency(took: Sequence[float]) -> Shown:
    if not took:
        return dict.fromkeys(("avg_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"))
    return {
        "avg_ms": round(sum(took) / len(took), 1),
        **{f"p{p}_ms": took[min(len(took) - 1, len(took) * p // 100)] for p in (50, 95, 99)},
        "max_ms": took[-1],
    }


def _hop(hop: Any) -> Shown:
    names = ("role", "topic", "verdict", "reason", "lag", "lag_seconds", "trend", "members")
    return {name: getattr(hop, name) for name in names}


def _service(service: Any) -> Shown:
    return {
        "name": service.name,
        "ok": service.ok,
        "since": time_text(service.since),
        "reason": service.reason,
        "remedy": service.remedy,
    }


def _word(ok: bool | None) -> str:
    return "unknown" if ok is None else "ok" if ok else "DOWN"
