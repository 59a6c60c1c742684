"""Findings about the mesh's own work: silent workers, stuck stages, lag, the governor."""

from __future__ import annotations

from collections.abc import Iterator

from aimesh.core.diagnosis.facts import Facts, Hop, Stage
from aimesh.core.diagnosis.finding import BROKER, FLOW, STAGE, WORKER, Action, Finding
from aimesh.core.diagnosis.fingerprints import fingerprint
from aimesh.core.diagnosis.services import AUXILIARY, place_of
from aimesh.core.text import numbered

# a stage reports every five seconds
SILENT = 12.0
# what a worker that is gone for good has said last is history
FORGOTTEN = 900.0
# so many workers of a role that went within the window are no ordinary restart
RESTARTS = 4
GOVERNED = 12.0
# a job that is open for so many times what is usual, and so long, is overdue
OVERDUE_TIMES, OVERDUE_SECONDS = 8.0, 20.0


def silent_workers(facts: Facts) -> Iterator[Finding]:
    """Find workers that hold a place in their group and say nothing, or left jobs behind."""
    if facts.broker is False or _is_unheard(facts):
        return
    hops = {hop.role: hop for hop in facts.hops}
    roles = {stage.role for stage in facts.stages}
    for role in sorted(roles):
        stages = [s for s in facts.stages if s.role == role and s.age < FORGOTTEN]
        fresh = [s for s in stages if s.age <= SILENT]
        silent = sorted((s for s in stages if s.age > SILENT), key=lambda s: s.age)
        members = hop.members if (hop := hops.get(role)) else None
        missing = (members or 0) - len(fresh)
        gone = silent[:missing] if missing > 0 else []
        if not fresh and not members:
            # it has lost its place; one that had nothing to do has gone, or is just not needed
            gone = silent if hop and hop.lag else [s for s in silent if s.open]
        if gone:
            yield _silent(facts, role, gone, hop, bool(members))


def _silent(facts: Facts, role: str, gone: list[Stage], hop: Hop | None, present: bool) -> Finding:
    jobs, age = sum(s.open for s in gone), max(s.age for s in gone)
    lag = (hop.lag or 0) if hop else 0
    workers = ", ".join(s.worker for s in gone)
    state = "still holds its place in the group" if present else "has lost its place in the group"
    return Finding(
        kind="worker_silent",
        component=role,
        depth=WORKER,
        severity="critical" if jobs or lag else "error",
        category="agent_error",
        title=f"{role}'s worker says nothing any more",
        description=f"{workers} was last heard of {age:.0f} s ago and {state}; "
        f"{numbered(jobs, 'job is', 'jobs are')} open there, "
        f"{numbered(lag, 'message waits', 'messages wait')}",
        first_seen=facts.at - age,
        last_seen=facts.at,
        fingerprint=fingerprint("silent", role),
        count=len(gone),
        agents=(role,),
        sample=workers,
        evidence=_place(hop),
        actions=(
            Action(do=f"see whether that process is stopped or hangs, and end it: the {role} "
                   "role goes on elsewhere, without losing its jobs", command="aimesh top"),
            Action(do="see what waits at each hop", command="aimesh lag"),
        ),
        blocks=frozenset({role}),
        names=tuple(s.worker for s in gone),
        impact=10 * jobs + lag,
        metadata={"workers": [s.worker for s in gone], "silent_s": round(age, 1),
                  "open_jobs": jobs, "lag": lag},
    )  # fmt: skip


def restarting_workers(facts: Facts) -> Iterator[Finding]:
    """Find roles whose workers come and go: each is a new one, and none stays."""
    for role in sorted({stage.role for stage in facts.stages}):
        gone = {s.worker: s for s in facts.stages
                if s.role == role and SILENT < s.age <= facts.window}  # fmt: skip
        if len(gone) < RESTARTS:
            continue
        ages = sorted(stage.age for stage in gone.values())
        yield Finding(
            kind="worker_restarting",
            component=role,
            depth=WORKER,
            severity="error",
            category="agent_error",
            title=f"{role}'s worker ends again and again",
            description=f"{len(gone)} workers with this role have come and gone within "
            f"{facts.window / 60:.0f} minutes, the last {ages[0]:.0f} s ago",
            first_seen=facts.at - ages[-1],
            last_seen=facts.at - ages[0],
            fingerprint=fingerprint("restarting", role),
            count=len(gone),
            agents=(role,),
            sample=", ".join(sorted(gone))[:200],
            actions=(
                Action(do="read the end of the worker's log: it says why it ended"),
                Action(do="check what the mesh needs on this machine", command="aimesh doctor"),
            ),
            blocks=frozenset({role}),
            impact=len(gone),
            metadata={"workers": sorted(gone)[:10]},
        )


def overdue_jobs(facts: Facts) -> Iterator[Finding]:
    """Find stages with a job that is open beyond its deadline, or far beyond what is usual."""
    usual = {p.name: p.usual(facts.at, facts.window) for p in facts.paces if p.kind == "agent"}
    for stage in facts.stages:
        if stage.age > SILENT or not stage.open:
            continue
        normal = usual.get(stage.role)
        late = normal is not None and stage.oldest_s > max(OVERDUE_SECONDS, OVERDUE_TIMES * normal)
        if stage.deadline_s and stage.oldest_s > stage.deadline_s:
            yield _overdue(facts, stage, f"its deadline is {stage.deadline_s:.0f} s", "error")
        elif late and stage.running:
            yield _overdue(facts, stage, f"it usually takes {normal:.1f} s", "warning")


def _overdue(facts: Facts, stage: Stage, against: str, severity: str) -> Finding:
    hop = next((h for h in facts.hops if h.role == stage.role), None)
    waits = f", waiting for: {stage.waiting}" if stage.waiting else ""
    return Finding(
        kind="stage_stalled",
        component=stage.role,
        depth=STAGE,
        severity="critical" if severity == "error" else severity,
        category="timeout_error",
        title=f"{stage.role} does not get a job done",
        description=f"a job is open for {stage.oldest_s:.0f} s, {against}{waits}",
        first_seen=facts.at - stage.oldest_s,
        last_seen=facts.at,
        fingerprint=fingerprint("overdue", stage.role),
        count=stage.open,
        agents=(stage.role,),
        sample=stage.waiting,
        evidence=_place(hop),
        actions=(
            Action(do="see what each stage works on and waits for", command="aimesh top"),
            Action(do="see which tasks are in flight", command="aimesh tasks"),
        ),
        blocks=frozenset({stage.role}),
        impact=stage.open + ((hop.lag or 0) if hop else 0),
        metadata={"worker": stage.worker, "oldest_s": stage.oldest_s,
                  "deadline_s": stage.deadline_s, "open_jobs": stage.open},
    )  # fmt: skip


def hops(facts: Facts) -> Iterator[Finding]:
    """Find hops that stand still, have no worker, or fall behind."""
    switched_off = {s.name for s in facts.services if not s.wanted}
    for hop in facts.hops:
        if hop.age > FORGOTTEN or hop.role in switched_off:
            continue
        make = _HOPS.get(hop.verdict)
        if make is not None:
            yield from make(facts, hop)


def _stopped(facts: Facts, hop: Hop) -> Iterator[Finding]:
    waiting = hop.lag or 0
    action = Action(do=f"start a worker with the role {hop.role}",
                    command=f"AIMESH_ROLES={hop.role} aimesh worker")  # fmt: skip
    yield _hop(facts, hop, "stage_stopped", STAGE, "critical" if waiting else "error",
               f"no worker runs {hop.role}", action)  # fmt: skip


def _stalled(facts: Facts, hop: Hop) -> Iterator[Finding]:
    action = Action(do="see what its jobs wait for", command="aimesh top")
    severity = "error" if hop.role in AUXILIARY else "critical"
    yield _hop(facts, hop, "stage_stalled", STAGE, severity, f"{hop.role} stands still", action)


def _behind(facts: Facts, hop: Hop) -> Iterator[Finding]:
    action = Action(do=f"start another worker with the role {hop.role}, or wait for the backlog",
                    command="aimesh lag")  # fmt: skip
    yield _hop(facts, hop, "lag_growing", FLOW, "warning", f"{hop.role} falls behind", action)


def _unknown(facts: Facts, hop: Hop) -> Iterator[Finding]:
    if hop.lag is None and "samples" not in hop.reason:
        action = Action(do="see whether Kafka answers", command="aimesh doctor")
        yield _hop(facts, hop, "lag_unknown", FLOW, "error",
                   f"the lag of {hop.role} is unknown", action)  # fmt: skip


_HOPS = {"STOPPED": _stopped, "STALL": _stalled, "WARN": _behind, "UNKNOWN": _unknown}


def _hop(
    facts: Facts, hop: Hop, kind: str, depth: int, severity: str, title: str, action: Action
) -> Finding:
    return Finding(
        kind=kind,
        component=hop.role,
        depth=depth,
        severity=severity,
        category="agent_error",
        title=title,
        description=f"{hop.topic}: {hop.reason}; lag {hop.lag}, going {hop.trend}",
        first_seen=facts.at - (hop.lag_seconds or 0.0),
        last_seen=facts.at - hop.age,
        fingerprint=fingerprint(kind, hop.role),
        count=max(1, hop.lag or 0),
        agents=(hop.role,),
        sample=hop.reason,
        evidence=_place(hop),
        actions=(action,),
        blocks=frozenset({hop.role}) if depth < FLOW else frozenset(),
        impact=hop.lag or 0,
        metadata={"topic": hop.topic, "group": hop.group, "lag": hop.lag,
                  "lag_seconds": hop.lag_seconds, "members": hop.members,
                  "verdict": hop.verdict},
    )  # fmt: skip


def _place(hop: Hop | None) -> tuple[str, ...]:
    return (place_of(hop.topic, hop.committed),) if hop and hop.committed is not None else ()


def _is_unheard(facts: Facts) -> bool:
    return facts.governed_s is None or facts.governed_s > GOVERNED


def governor(facts: Facts) -> Iterator[Finding]:
    """Find that nobody measures and governs."""
    if facts.broker is False or not _is_unheard(facts):
        return
    said = "never" if facts.governed_s is None else f"{facts.governed_s:.0f} s ago"
    yield Finding(
        kind="not_measured",
        component="governor",
        depth=BROKER,
        severity="warning" if facts.governed_s is None else "critical",
        category="agent_error",
        title="the governor says nothing",
        description=f"it was last heard of {said}: lag is not measured, and no task is made",
        first_seen=facts.at - (facts.governed_s or 0.0),
        last_seen=facts.at,
        fingerprint=fingerprint("governor"),
        agents=("governor",),
        actions=(Action(do="see whether a worker with the role governor runs",
                        command="aimesh top"),),
        blocks=frozenset({"governor"} | {hop.role for hop in facts.hops}),
        impact=10,
    )  # fmt: skip
