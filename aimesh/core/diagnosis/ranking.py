"""What comes from what: the cause first, then what it explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aimesh.core.diagnosis import failures, implied, services, stages, work
from aimesh.core.diagnosis.facts import Facts
from aimesh.core.diagnosis.finding import ERRORS, SERVICE, SEVERITIES, Finding

RULES = (
    services.disks, services.broker, services.services, services.limits, implied.implied_services,
    stages.governor, stages.silent_workers, stages.restarting_workers, stages.overdue_jobs,
    stages.hops, work.agents, work.dialogues, work.slow_work, failures.failures,
    work.failing_tasks,
)  # fmt: skip

# what began so many seconds before its cause was noticed may still come from it
SLACK = 120.0


@dataclass(frozen=True)
class Issue:
    """A finding in its place: what explains it, and what it explains.

    ``severity`` is the worst of its own and of what it explains.
    """

    finding: Finding
    severity: str
    explained_by: str | None
    explains: tuple[str, ...]


def issues(facts: Facts) -> list[Issue]:
    """Return what is wrong, causes first, the worst of them first of all."""
    return ranked(finding for rule in RULES for finding in rule(facts))


def ranked(findings: Iterable[Finding]) -> list[Issue]:
    """Return findings as issues: each under its cause, causes in front."""
    found = _distinct(findings)
    able = _able(found)
    causes = {f.id: _cause(f, able[f.depth]) for f in found}
    roots = {name: _root(name, causes) for name in causes}
    below: dict[str, list[Finding]] = {}
    for one in found:
        if roots[one.id] != one.id:
            below.setdefault(roots[one.id], []).append(one)
    made = [_issue(one, roots[one.id], below.get(one.id, [])) for one in found]
    return sorted(made, key=_order)


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once; of several of a stage's stalls the worst says it all."""
    kept: dict[str, Finding] = {}
    for one in findings:
        key = f"{one.kind}/{one.component}" if one.kind == "stage_stalled" else one.id
        known = kept.get(key)
        if known is None or _rank(one.severity) < _rank(known.severity):
            kept[key] = one
    return list(kept.values())


def _able(found: list[Finding]) -> dict[int, list[Finding]]:
    """Return what can explain findings of each depth at all, the likeliest first.

    There may be hundreds of silent agents, of which none explains another.
    """
    likeliest = sorted(found, key=lambda f: (f.depth, f.first_seen, f.id))
    return {
        depth: [f for f in likeliest if f.depth < depth or (f.depth == depth and _is_shared(f))]
        for depth in {f.depth for f in found}
    }


def _is_shared(one: Finding) -> bool:
    """Tell whether something may explain others that are as near to the machine."""
    return one.depth == SERVICE or one.component == "disk"


def _cause(one: Finding, able: list[Finding]) -> Finding | None:
    return next((other for other in able if other is not one and may_cause(other, one)), None)


def _root(name: str, causes: dict[str, Finding | None]) -> str:
    seen = {name}
    while (cause := causes[name]) is not None and cause.id not in seen:
        name = cause.id
        seen.add(name)
    return name


def may_cause(cause: Finding, effect: Finding) -> bool:
    """Tell whether one finding explains another.

    It does where it is nearer to the machine, began no later than the other ended, and the other
    is about what it blocks, or mentions it. What was there long before and is as frequent as ever
    is not explained by what is new.
    """
    if not _is_deeper(cause, effect) or cause.first_seen - SLACK > effect.last_seen:
        return False
    is_old = effect.first_seen < cause.first_seen - SLACK
    if is_old and effect.metadata.get("trend") in ("steady", "higher"):
        return False
    if _mentions(cause, effect):
        return True
    if effect.metadata.get("source"):
        # errors of those who are blocked, where they are of the same kind of trouble
        alike = effect.depth == ERRORS and effect.category == cause.category
        return alike and not cause.blocks.isdisjoint(effect.agents)
    return effect.component in cause.blocks


def _is_deeper(cause: Finding, effect: Finding) -> bool:
    if cause.depth != effect.depth:
        return cause.depth < effect.depth
    if cause.component == "disk":
        return effect.component != "disk"
    # a service whose reason begins with another's name is down because of that one
    through = effect.sample.startswith(f"{cause.component}: ")
    return cause.depth == SERVICE and through and cause.component != effect.component


def _mentions(cause: Finding, effect: Finding) -> bool:
    if not cause.names:
        return False
    text = f"{effect.sample}\n{effect.title}".lower()
    if any(name.lower() in text for name in cause.names if len(name) > 2):
        return True
    # that a model was asked says little: the trouble must be of the same kind too
    return effect.metadata.get("model") in cause.names and effect.category == cause.category


def _issue(one: Finding, root: str, below: list[Finding]) -> Issue:
    worst = min([one, *below], key=lambda f: _rank(f.severity)).severity
    return Issue(one, worst, None if root == one.id else root, tuple(effect.id for effect in below))


def _order(issue: Issue) -> tuple[object, ...]:
    one = issue.finding
    return (
        issue.explained_by is not None,
        _rank(issue.severity),
        one.depth,
        -one.impact,
        one.first_seen,
        one.id,
    )


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def status_of(found: Iterable[Issue]) -> str:
    """Return how all is: healthy, degraded, or critical."""
    worst = min((_rank(issue.severity) for issue in found), default=len(SEVERITIES))
    if worst == 0:
        return "critical"
    return "degraded" if worst <= SEVERITIES.index("warning") else "healthy"
