"""What a diagnosis starts from: measured things only, gathered by whoever has the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aimesh.core.diagnosis.groups import Group
from aimesh.core.diagnosis.pace import Pace


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as those that use it last saw it; ``since`` is a Unix time."""

    name: str
    ok: bool | None
    since: float
    reason: str = ""
    remedy: str = ""
    url: str = ""
    models: tuple[str, ...] = ()
    wanted: bool = True


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage of one worker last said of itself, ``age`` seconds ago."""

    role: str
    worker: str
    age: float
    open: int = 0
    oldest_s: float = 0.0
    deadline_s: float = 0.0
    slots: int = 0
    running: int = 0
    waiting: str = ""
    waiting_since: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Hop:
    """The last sample of a topic and the group that works it off, ``age`` seconds ago."""

    role: str
    topic: str
    group: str
    verdict: str
    reason: str
    age: float
    lag: int | None = None
    lag_seconds: float | None = None
    members: int | None = None
    trend: str = "flat"
    committed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Agent:
    """An agent with a queue: what waits in it, and when the agent was last heard of.

    Times are seconds ago; None where it never was.
    """

    name: str
    topic: str
    pending: int
    oldest_s: float
    heard_s: float | None
    beat_s: float | None
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Room where the mesh writes, in bytes."""

    path: str
    free: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """A trace that goes on and on between the same agents."""

    trace_id: str
    messages: int
    pair: tuple[str, str]
    turns: int
    started: float


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a gateway says of a model: used and allowed, a minute."""

    model: str
    what: str
    used: float
    allowed: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that is known, at one Unix time, and for a window of seconds before it.

    ``governed_s`` is how many seconds ago the governor last said anything, None for never.
    ``broker`` says whether anybody listens at the broker's address, None where nobody looked.
    ``newest`` are the ids of the tasks that ended last, a few of them, in no order.
    """

    at: float
    window: float
    prefix: str = ""
    services: tuple[Service, ...] = ()
    stages: tuple[Stage, ...] = ()
    hops: tuple[Hop, ...] = ()
    agents: tuple[Agent, ...] = ()
    disks: tuple[Disk, ...] = ()
    groups: tuple[Group, ...] = ()
    paces: tuple[Pace, ...] = ()
    dialogues: tuple[Dialogue, ...] = ()
    limits: tuple[Limit, ...] = ()
    governed_s: float | None = None
    broker: bool | None = None
    ended: int = 0
    failed: int = 0
    ended_before: int = 0
    failed_before: int = 0
    newest: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
