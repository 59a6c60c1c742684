"""Findings about what failed: errors of agents, dead letters, the unreadable, code in circles."""

from __future__ import annotations

from collections.abc import Iterator

from aimesh.core.diagnosis.facts import Facts
from aimesh.core.diagnosis.finding import DATA, ERRORS, WORK, Action, Finding, asked
from aimesh.core.diagnosis.groups import MINUTE, Group
from aimesh.core.diagnosis.troubles import trouble_of
from aimesh.core.text import numbered

# a rate this many times its own past is rising; below the other one it is as ever
RISING, STEADY = 3.0, 1.5
LOOPS, LOOP_SHARE = 2, 0.2
# of one subject in a group: the same thing again and again
AGAIN = 3
# what the mesh's own agents tell of services
UNAVAILABLE = ("UnavailableError", "ModelMissingError", "TooSlowError", "NoRouteError")


def failures(facts: Facts) -> Iterator[Finding]:
    """Find what agents told of, what could not be read, and what was given up."""
    for group in facts.groups:
        number = group.within(facts.at, facts.window)
        if number:
            make = _SOURCES.get(group.sample.source)
            if make is not None:
                yield from make(facts, group, number)


def _agent_error(facts: Facts, group: Group, number: int) -> Iterator[Finding]:
    one = group.sample
    pressure = group.pressure(facts.at, facts.window)
    trend = _trend(pressure)
    severity = one.severity
    if severity == "error" and trend == "steady":
        severity = "warning"  # as ever: it is known, and not what is new
    over = _is_over(facts, group)
    if over:
        severity = "info"
    poison = _poison(group)
    trouble = trouble_of(one.message)
    kind = "poison_message" if poison else "error_group"
    title = f"{one.kind or one.category}: {one.message[:120]}"
    if poison:
        title = f"the same work fails again and again: {title}"
    yield _of_group(
        facts, group, number, kind=kind, depth=DATA if poison else ERRORS, severity=severity,
        title=title, trend=trend, pressure=pressure,
        actions=(*(Action(do=fix) for fix in one.fixes[:3]), _look_at(group)),
        metadata={"trouble": trouble.kind, "subject": poison, "is_over": over},
    )  # fmt: skip


def _is_over(facts: Facts, group: Group) -> bool:
    """Tell whether errors name a service of the mesh that is well again, with nobody waiting."""
    name, colon, _ = group.sample.message.partition(": ")
    service = next((s for s in facts.services if s.name == name), None)
    if not colon or not (service or group.sample.kind in UNAVAILABLE):
        return False
    waited_for = any(stage.waiting.startswith(f"{name}: ") for stage in facts.stages)
    return not waited_for and (service is None or service.ok is True)


def _poison(group: Group) -> str:
    """Return the one subject that most of a group is about, empty where there is none."""
    if not group.sample.subject or group.sample.kind in UNAVAILABLE:
        return ""
    subject, number = group.subjects.most_common(1)[0]
    return subject if subject and number >= AGAIN and number * 2 > group.count else ""


def _dead_letter(facts: Facts, group: Group, number: int) -> Iterator[Finding]:
    one = group.sample
    yield _of_group(
        facts, group, number, kind="poison_message", depth=DATA, severity="error",
        title=f"{numbered(number, 'dead letter')}: {one.message[:120]}", trend="new", pressure=None,
        actions=(
            Action(do="look at them, mend their cause, and send them back",
                   command="aimesh dead-letters list"),
            *((Action(do="see what happened to it", command=f"aimesh task {one.subject}"),)
              if one.subject else ()),
        ),
        metadata={"error_type": one.kind},
    )  # fmt: skip


def _undecodable(facts: Facts, group: Group, number: int) -> Iterator[Finding]:
    one = group.sample
    yield _of_group(
        facts, group, number, kind="poison_message", depth=DATA, severity="error",
        title=f"{numbered(number, 'message')} in {one.name} cannot be read: {one.message[:100]}",
        trend="new", pressure=None,
        actions=(Action(do="see them, and mend who writes them",
                        command=asked(f"undecodable?topic={one.name}")),),
        metadata={"topic": one.name},
    )  # fmt: skip


def _verdict(facts: Facts, group: Group, number: int) -> Iterator[Finding]:
    """A task whose code fails in the same way again is in a loop; several are a finding.

    They are where they are many of all that ended in the window, or most of what ended last: what
    went well before they began must not hide them.
    """
    # to the minute, as those that ended are counted
    start = (facts.at - facts.window) // MINUTE * MINUTE
    loops = [subject for subject, at in group.repeated.items() if at >= start]
    share = len(loops) / facts.ended if facts.ended else 1.0
    last = sum(subject in loops for subject in facts.newest)
    is_now = last >= LOOPS and last * 2 > len(facts.newest)
    if not loops or not (is_now or share >= LOOP_SHARE):
        return
    one = group.sample
    yield _of_group(
        facts, group, number, kind="code_loop", depth=WORK,
        severity="error" if len(loops) >= LOOPS else "warning",
        title=f"the model repeats code that fails in the same way: {one.message[:100]}",
        trend=_trend(group.pressure(facts.at, facts.window)), pressure=None,
        actions=(
            Action(do="look at the attempts of one of these tasks",
                   command=f"aimesh task {loops[-1]}"),
            Action(do="ask a larger model (AIMESH_MODEL), or word such tasks in another way"),
        ),
        metadata={"tasks": loops[-5:], "looping_tasks": len(loops), "verdict": one.kind,
                  "share_of_ended": round(share, 3)},
        component="model",
    )  # fmt: skip


_SOURCES = {
    "error": _agent_error,
    "dead_letter": _dead_letter,
    "undecodable": _undecodable,
    "verdict": _verdict,
}


def _trend(pressure: float | None) -> str:
    if pressure is None:
        return "new"
    return "rising" if pressure >= RISING else "steady" if pressure <= STEADY else "higher"


def _look_at(group: Group) -> Action:
    one = group.sample
    if one.trace_id:
        path = f"traces/{one.trace_id}/timeline"
        return Action(do="see all of one trace that it happened in", command=asked(path))
    return Action(do="see one of them in full", command=asked(f"errors/{one.name}"))


def _of_group(
    facts: Facts, group: Group, number: int, *, kind: str, depth: int, severity: str, title: str,
    trend: str, pressure: float | None, actions: tuple[Action, ...], metadata: dict[str, object],
    component: str = "",
) -> Finding:  # fmt: skip
    one = group.sample
    agents = tuple(name for name, _ in group.agents.most_common() if name)
    return Finding(
        kind=kind,
        component=component or (agents[0] if agents else one.name) or one.source,
        depth=depth,
        severity=severity,
        category=one.category,
        title=title,
        description=f"{numbered(number, 'time')} in {facts.window / 60:.0f} minutes, "
        f"{_against(trend, pressure)}",
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        fingerprint=one.fingerprint,
        count=number,
        agents=agents,
        sample=one.message,
        evidence=tuple(reversed(group.refs)),
        traces=tuple(reversed(group.traces)),
        actions=actions,
        # whoever gave it up tells of the same thing in the same words
        names=(one.message,) if one.source in ("dead_letter", "undecodable") else (),
        impact=number * (2.0 if trend in ("new", "rising") else 1.0),
        metadata={"source": one.source, "trend": trend, "error_type": one.kind,
                  "total_count": group.count, "model": one.model, **metadata},
    )  # fmt: skip


def _against(trend: str, pressure: float | None) -> str:
    if trend == "new" or pressure is None:
        return "and never before"
    if trend == "steady":
        return "as often as ever"
    return f"{pressure:.1f} times as often as before"
