"""A diagnosis as callers get it: issues as plain data, actions in the order to take them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from aimesh.core.diagnosis.finding import SEVERITIES
from aimesh.core.diagnosis.ranking import Issue
from aimesh.core.moments import time_text

MOST_SAMPLE = 500
Shown = dict[str, Any]


def shown(issue: Issue) -> Shown:
    """Return an issue as callers get it."""
    one = issue.finding
    return {
        "id": one.id,
        "severity": issue.severity,
        "category": one.category,
        "kind": one.kind,
        "title": one.title,
        "description": one.description,
        "component": one.component,
        "is_cause": issue.explained_by is None,
        "explained_by": issue.explained_by,
        "explains": list(issue.explains),
        "affected_components": sorted({one.component, *one.agents, *one.blocks}),
        "affected_agents": list(one.agents),
        "related_trace_ids": list(one.traces),
        "evidence": list(one.evidence),
        "count": one.count,
        "first_seen": time_text(one.first_seen),
        "last_seen": time_text(one.last_seen),
        "detected_at": time_text(one.last_seen),
        "sample": one.sample[:MOST_SAMPLE],
        "fingerprint": one.fingerprint,
        "next_command": next((a.command for a in one.actions if a.command), ""),
        "suggested_actions": [a.do for a in one.actions],
        "commands": [a.command for a in one.actions if a.command],
        "metadata": one.metadata,
    }


def counts(issues: Iterable[Issue]) -> Shown:
    """Return how many issues there are, of each severity, and how many are causes."""
    found = list(issues)
    number = Counter(issue.severity for issue in found)
    return {
        "total": len(found),
        "causes": sum(1 for issue in found if issue.explained_by is None),
        **{severity: number[severity] for severity in SEVERITIES},
    }


def actions(issues: Iterable[Issue]) -> list[Shown]:
    """Return what to do, in the order to do it; what follows from a cause needs nothing itself."""
    found: list[Shown] = []
    seen: set[tuple[str, str]] = set()
    for issue in issues:
        if issue.explained_by is not None:
            continue
        for action in issue.finding.actions:
            if (action.do, action.command) in seen:
                continue
            seen.add((action.do, action.command))
            found.append(
                {
                    "priority": len(found) + 1,
                    "action": action.do,
                    "command": action.command or None,
                    "rationale": issue.finding.title,
                    "severity": issue.severity,
                    "related_issue_id": issue.finding.id,
                }
            )
    return found


def summary(status: str, issues: Sequence[Issue]) -> str:
    """Return a diagnosis in a sentence or two."""
    causes = [issue for issue in issues if issue.explained_by is None]
    if not causes:
        return "Healthy: nothing is wrong."
    first = causes[0].finding
    text = f"{status.capitalize()}: {first.title} ({first.description})."
    if causes[0].explains:
        text += f" It explains {len(causes[0].explains)} more."
    if len(causes) > 1:
        text += f" Besides: {'; '.join(issue.finding.title for issue in causes[1:4])}."
    return text
