"""Errors in groups, as callers get them."""

from __future__ import annotations

from typing import Any

from aimesh.core.diagnosis.facts import Facts
from aimesh.core.diagnosis.groups import Group
from aimesh.core.diagnosis.ranking import Issue
from aimesh.core.moments import time_text
from aimesh.diagnosing.analysis import Diagnosis
from aimesh.tables.telemetry.tables import TelemetryTables

MOST_SAMPLE = 500
MOST_AGENTS = 20
Shown = dict[str, Any]


def groups(found: Diagnosis, *, with_fixes: bool) -> list[Shown]:
    """Return the groups of the window: errors, dead letters, failed code, the unreadable.

    Those that are new or rise most over their own past come first.
    """
    facts = found.facts
    issue_of = {issue.finding.fingerprint: issue for issue in found.issues}
    made = []
    for group in facts.groups:
        number = group.within(facts.at, facts.window)
        if number:
            issue = issue_of.get(group.sample.fingerprint)
            made.append(
                _shown(facts, group, number)
                | ({"suggestions": _fixes(group, issue)} if with_fixes else {})
                | {"issue_id": issue.finding.id if issue else None,
                   "explained_by": issue.explained_by if issue else None}
            )  # fmt: skip
    made.sort(key=lambda g: (g["pressure"] is not None, -(g["pressure"] or 0), -g["count"]))
    return made


def _shown(facts: Facts, group: Group, number: int) -> Shown:
    one = group.sample
    pressure = group.pressure(facts.at, facts.window)
    return {
        "error_type": one.kind or one.category,
        "error_category": one.category,
        "source": one.source,
        "fingerprint": one.fingerprint,
        "severity": one.severity,
        "count": number,
        "total_count": group.count,
        "first_seen": time_text(group.first_seen),
        "last_seen": time_text(group.last_seen),
        "pressure": None if pressure is None else round(pressure, 2),
        "affected_agents": [name for name, _ in group.agents.most_common(MOST_AGENTS) if name],
        "sample_message": one.message[:MOST_SAMPLE],
        "sample_trace_id": one.trace_id or None,
        "trace_ids": list(reversed(group.traces)),
        "evidence": list(reversed(group.refs)),
    }


def _fixes(group: Group, issue: Issue | None) -> list[str]:
    own = list(group.sample.fixes)
    return own or [action.do for action in (issue.finding.actions if issue else ())]


def store(tables: TelemetryTables) -> Shown:
    """Return how many errors are kept, of each kind, and how many were dropped."""
    errors = tables.errors
    return {"total_errors": len(errors), **errors.counts(), "dropped_errors": errors.dropped}
