"""A finding: one thing that is wrong, with what shows it and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ("critical", "error", "warning", "info")

# what tends to stand behind what: the smaller, the nearer to the cause
MACHINE, BROKER, SERVICE, WORKER, STAGE, DATA, WORK, ERRORS, FLOW = range(9)


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something to do: in words, and as a command where there is one."""

    do: str
    command: str = ""


def asked(path: str) -> str:
    """Return the command that asks the API for a path below ``/api/v1``."""
    return f'curl -sS "$AIMESH_URL/api/v1/{path}"'


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong. Times are Unix seconds.

    ``depth`` says how near to a cause such things are. ``blocks`` names what cannot go on because
    of it, ``names`` what an error would mention that comes from it. ``impact`` is how much waits
    or fails.
    """

    kind: str
    component: str
    depth: int
    severity: str
    category: str
    title: str
    description: str
    first_seen: float
    last_seen: float
    fingerprint: str
    count: int = 1
    agents: tuple[str, ...] = ()
    sample: str = ""
    evidence: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    blocks: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    impact: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What it is known by, the same as long as it is the same."""
        return f"{self.kind}-{self.fingerprint}"
