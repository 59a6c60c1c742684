"""The hops of the mesh: which group reads which topic, in the order of a task's way."""

from __future__ import annotations

from dataclasses import dataclass

from aimesh import topics
from aimesh.settings import Settings


@dataclass(frozen=True)
class Hop:
    """A topic and the consumer group that works it off."""

    role: str
    topic: str
    group: str


_READS = (
    ("consumer", topics.TASKS),
    ("sandbox", topics.SOLUTIONS),
    ("reviewer", topics.VERDICTS),
    ("persistence", topics.REVIEWS),
    ("memory", topics.VERDICTS),
)


def app_id(settings: Settings, role: str) -> str:
    """Return the id of a role's Faust application, which is its consumer group too."""
    return f"{settings.topic_prefix}aimesh-{role}"


def hops(settings: Settings) -> tuple[Hop, ...]:
    """Return the mesh's hops with the names that these settings give them."""
    return tuple(
        Hop(role, settings.topic_prefix + topic, app_id(settings, role)) for role, topic in _READS
    )
