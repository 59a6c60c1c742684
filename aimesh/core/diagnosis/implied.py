"""Services that nobody probes, known from what several agents were told when they called them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aimesh.core.diagnosis.facts import Facts
from aimesh.core.diagnosis.finding import SERVICE, Action, Finding
from aimesh.core.diagnosis.fingerprints import fingerprint
from aimesh.core.diagnosis.groups import Group
from aimesh.core.diagnosis.troubles import Trouble, trouble_of
from aimesh.core.text import numbered

_ADDRESS = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)*[a-z0-9-]+:\d{2,5})\b", re.IGNORECASE)
_SHARED = ("unreachable", "rate_limited", "model_missing", "slow", "refused")
LEAST_AGENTS = 2


def implied_services(facts: Facts) -> Iterator[Finding]:
    """Find what several agents cannot reach, or are refused by, though no probe looks at it."""
    found: dict[tuple[str, str], list[Group]] = {}
    for group in facts.groups:
        trouble = trouble_of(group.sample.message)
        target = _target(group)
        is_shared = group.sample.source == "error" and target and trouble.kind in _SHARED
        if is_shared and group.within(facts.at, facts.window):
            found.setdefault((trouble.kind, target), []).append(group)
    for (_, target), groups in found.items():
        if len({name for group in groups for name in group.agents}) >= LEAST_AGENTS:
            yield _finding(facts, target, trouble_of(groups[0].sample.message), groups)


def _target(group: Group) -> str:
    match = _ADDRESS.search(group.sample.message)
    return match[1].lower() if match else group.sample.model


def _finding(facts: Facts, target: str, trouble: Trouble, groups: list[Group]) -> Finding:
    agents = sorted({name for group in groups for name in group.agents if name})
    number = sum(group.within(facts.at, facts.window) for group in groups)
    newest = max(groups, key=lambda group: group.last_seen)
    return Finding(
        kind=f"service_{trouble.kind}",
        component=target,
        depth=SERVICE,
        severity="error",
        category=trouble.category,
        title=f"{target} {trouble.title}, as {numbered(len(agents), 'agent says', 'agents say')}",
        description=f"{numbered(number, 'error names', 'errors name')} it within "
        f"{facts.window / 60:.0f} minutes",
        first_seen=min(group.first_seen for group in groups),
        last_seen=newest.last_seen,
        fingerprint=fingerprint("implied", trouble.kind, target),
        count=number,
        agents=tuple(agents),
        sample=newest.sample.message,
        evidence=tuple(ref for group in groups for ref in reversed(group.refs))[:5],
        traces=tuple(trace for group in groups for trace in reversed(group.traces))[:5],
        actions=tuple(Action(do=fix) for fix in newest.sample.fixes[:2])
        or (Action(do=f"see whether {target} runs and how it is doing"),),
        blocks=frozenset(agents),
        names=(target,),
        impact=number,
        metadata={"trouble": trouble.kind, "trend": "new"},
    )
