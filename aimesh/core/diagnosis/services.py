"""Findings about what the mesh depends on: services, disks, the broker, a gateway's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aimesh.core.diagnosis.facts import Disk, Facts, Limit, Service, Stage
from aimesh.core.diagnosis.finding import BROKER, MACHINE, SERVICE, Action, Finding
from aimesh.core.diagnosis.fingerprints import fingerprint
from aimesh.core.diagnosis.troubles import Trouble, trouble_of

# stages without which no task gets through
AUXILIARY = frozenset({"memory"})
FRESH = 20.0
# seconds that a stage may wait before a service that answers its probes is in trouble
HICCUP = 2.0
LEAST_FREE, LEAST_FREE_SHARE = 256 << 20, 0.01
NEARLY = 0.9
DOCTOR = Action(do="check what the mesh needs on this machine", command="aimesh doctor")


@dataclass(frozen=True)
class _Waiting:
    """What some stages wait for: the service, why, since when, and which they are."""

    reason: str
    remedy: str
    since: float
    stages: tuple[Stage, ...]


def services(facts: Facts) -> Iterator[Finding]:
    """Find services that are away, refuse, or are too slow for those who wait for them."""
    waiting = _waiting(facts)
    known = {service.name: service for service in facts.services}
    for name in dict.fromkeys([*known, *waiting]):
        service = known.get(name)
        waits = waiting.get(name)
        if service is not None and not service.wanted:
            continue
        if waits is not None and (_is_down(service) or facts.at - waits.since >= HICCUP):
            yield _finding(facts, name, service, waits)
        elif service is not None and _is_down(service) and not _is_over(service, known):
            yield _finding(facts, name, service, None)


def _is_down(service: Service | None) -> bool:
    return service is not None and service.ok is False


def _is_over(service: Service, known: Mapping[str, Service]) -> bool:
    """Tell whether a service was down because of another one that is well again.

    It is asked again with the next task, and nobody waits for it.
    """
    through = known.get(service.reason.partition(": ")[0])
    return through is not None and through.ok is True


def _waiting(facts: Facts) -> dict[str, _Waiting]:
    found: dict[str, list[Stage]] = {}
    for stage in facts.stages:
        name, colon, _ = stage.waiting.partition(": ")
        if colon and stage.age < FRESH:
            found.setdefault(name, []).append(stage)
    return {name: _of_stages(name, stages) for name, stages in found.items()}


def _of_stages(name: str, stages: list[Stage]) -> _Waiting:
    oldest = min(stages, key=lambda stage: stage.waiting_since or float("inf"))
    reason = oldest.waiting.removeprefix(f"{name}: ")
    remedy = ""
    if reason.endswith(")") and " (" in reason:
        reason, _, remedy = reason[:-1].rpartition(" (")
    return _Waiting(reason, remedy, oldest.waiting_since, tuple(stages))


def _finding(facts: Facts, name: str, service: Service | None, waits: _Waiting | None) -> Finding:
    down = service if service is not None and _is_down(service) else None
    # what the last call was told is newest; a probe may pass while those who wait were refused
    told = down if down is not None else waits
    reason, remedy = (told.reason, told.remedy) if told is not None else ("", "")
    trouble = trouble_of(reason)
    times = (down.since if down else 0.0, waits.since if waits else 0.0)
    since = min((at for at in times if at), default=facts.at)
    stages = waits.stages if waits else ()
    blocked = frozenset(stage.role for stage in stages)
    open_jobs = sum(stage.open for stage in stages)
    through = (service.name,) if service and reason.startswith(f"{name}: ") else ()
    return Finding(
        kind=f"service_{trouble.kind}",
        component=name,
        depth=MACHINE if trouble.kind == "disk_full" else SERVICE,
        severity="critical" if blocked - AUXILIARY else "error",
        category=trouble.category,
        title=f"{name} {trouble.title}",
        description=_told(reason, blocked, open_jobs),
        first_seen=since,
        last_seen=facts.at,
        fingerprint=fingerprint(name, trouble.kind),
        count=max(1, open_jobs),
        agents=tuple(sorted(blocked)),
        sample=reason,
        evidence=_evidence(facts, blocked),
        actions=_actions(trouble, name, service, remedy),
        blocks=blocked | {name},
        names=_names(name, service, through),
        impact=open_jobs + _lag(facts, blocked),
        metadata={"trouble": trouble.kind, "waiting_stages": sorted(blocked), "remedy": remedy,
                  **({"url": service.url} if service and service.url else {})},
    )  # fmt: skip


def _told(reason: str, blocked: frozenset[str], jobs: int) -> str:
    if not blocked:
        return reason
    return f"{reason}. {jobs} open jobs wait for it, of: {', '.join(sorted(blocked))}"


def _evidence(facts: Facts, roles: frozenset[str]) -> tuple[str, ...]:
    return tuple(place_of(hop.topic, hop.committed) for hop in facts.hops
                 if hop.role in roles and hop.committed is not None)  # fmt: skip


def place_of(topic: str, committed: int | None) -> str:
    """Return up to where a group has come in a topic, over all of its partitions."""
    return f"{topic}/*/{committed}"


def _lag(facts: Facts, roles: frozenset[str]) -> int:
    return sum(hop.lag or 0 for hop in facts.hops if hop.role in roles)


def _names(name: str, service: Service | None, through: tuple[str, ...]) -> tuple[str, ...]:
    if service is None:
        return (name,)
    address = urlsplit(service.url).netloc if service.url else ""
    return tuple(n for n in (name, address, *service.models) if n and n not in through)


def _actions(
    trouble: Trouble, name: str, service: Service | None, remedy: str
) -> tuple[Action, ...]:
    first = Action(do=remedy or _WHAT.get(trouble.kind, f"look at {name} and its log"))
    if trouble.kind == "model_missing" and remedy.startswith("ollama pull"):
        first = Action(do="fetch the model", command=remedy)
    elif trouble.kind == "disk_full":
        first = Action(do=remedy or _WHAT["disk_full"], command="df -h")
    elif trouble.kind == "unreachable" and service is not None and service.url:
        first = Action(do=remedy or first.do, command=f"curl -sS {service.url}")
    return (first, DOCTOR)


_WHAT = {
    "disk_full": "free space where the mesh writes",
    "rate_limited": "make fewer calls at once (AIMESH_LLM_CONCURRENCY), or ask for a higher limit",
    "slow": "look at its load; a smaller model or fewer calls at once help",
    "locked": "find the process that holds it, and end it",
    "refused": "check the key or token that is set for it",
    "unreachable": "start it, or correct its address",
}


def disks(facts: Facts) -> Iterator[Finding]:
    """Find disks that are full."""
    for disk in facts.disks:
        if disk.total and disk.free < min(LEAST_FREE, disk.total * LEAST_FREE_SHARE * 5):
            yield _disk(facts, disk)


def _disk(facts: Facts, disk: Disk) -> Finding:
    full = disk.free < min(4 << 20, disk.total // 100)
    return Finding(
        kind="disk_full",
        component="disk",
        depth=MACHINE,
        severity="critical" if full else "warning",
        category="resource_error",
        title="the disk is full" if full else "the disk is nearly full",
        description=f"{disk.free >> 10} KB of {disk.total >> 20} MB are free at {disk.path}",
        first_seen=facts.at,
        last_seen=facts.at,
        fingerprint=fingerprint("disk", disk.path),
        sample=disk.path,
        actions=(Action(do="free space there, or name another folder in AIMESH_DATA",
                        command=f"df -h {disk.path}"), DOCTOR),
        blocks=frozenset({"archive", "disk"}),
        names=("no space left", "ENOSPC", "disk full", "disk is full"),
        impact=100,
        metadata={"free_bytes": disk.free, "total_bytes": disk.total, "path": disk.path},
    )  # fmt: skip


def broker(facts: Facts) -> Iterator[Finding]:
    """Find that Kafka is away, which makes all that was measured old."""
    if facts.broker is not False:
        return
    yield Finding(
        kind="service_unreachable",
        component="kafka",
        depth=BROKER,
        severity="critical",
        category="network_error",
        title="kafka does not answer",
        description="nobody listens at the brokers' addresses; what else is told here is old",
        first_seen=facts.at - (facts.governed_s or 0.0),
        last_seen=facts.at,
        fingerprint=fingerprint("kafka"),
        actions=(Action(do="start Kafka, or correct KAFKA_BOOTSTRAP_SERVERS",
                        command="aimesh doctor"),),
        blocks=frozenset({"kafka", "governor"} | {hop.role for hop in facts.hops}),
        names=("kafka", "broker"),
        impact=1000,
    )  # fmt: skip


def limits(facts: Facts) -> Iterator[Finding]:
    """Find models that have used up, or nearly, what their gateway allows."""
    for limit in facts.limits:
        if limit.allowed and limit.used >= NEARLY * limit.allowed:
            yield _limit(facts, limit)


def _limit(facts: Facts, limit: Limit) -> Finding:
    reached = limit.used >= limit.allowed
    unit = "tokens" if limit.what == "tpm" else "requests"
    return Finding(
        kind="service_rate_limited",
        component="gateway",
        depth=SERVICE,
        severity="error" if reached else "warning",
        category="llm_error",
        title=f"{limit.model} {'has used up' if reached else 'has nearly used up'} its {unit}",
        description=f"{limit.used:.0f} of {limit.allowed:.0f} {unit} a minute are used",
        first_seen=facts.at,
        last_seen=facts.at,
        fingerprint=fingerprint("limit", limit.model, limit.what),
        actions=(Action(do="make fewer calls at once (AIMESH_LLM_CONCURRENCY), or ask for a "
                        "higher limit at the gateway"),),
        blocks=frozenset({"gateway"}),
        names=(limit.model, "rate limit", "429"),
        impact=limit.used / limit.allowed,
        metadata={"model": limit.model, limit.what: {"used": limit.used, "limit": limit.allowed}},
    )  # fmt: skip
