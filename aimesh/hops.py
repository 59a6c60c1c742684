"""Which group reads which topic: the mesh's hops in the order of a task's way, and the crew's."""

from __future__ import annotations

from dataclasses import dataclass

from aimesh import topics
from aimesh.core.crew import AGENTS
from aimesh.core.telemetry import queue_topic
from aimesh.settings import Settings

CREW = "crew"


@dataclass(frozen=True)
class Hop:
    """A topic and the consumer group that works it off.

    ``stage`` is the role whose stages report on it, and ``agent`` whose queue it is, where several
    agents report as one role.
    """

    role: str
    topic: str
    group: str
    stage: str
    agent: str = ""


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
        Hop(role, settings.topic_prefix + topic, app_id(settings, role), role)
        for role, topic in _READS
    )


def crew_hops(settings: Settings) -> tuple[Hop, ...]:
    """Return the queues of the crew, which not every mesh has."""
    prefix, group = settings.topic_prefix, app_id(settings, CREW)
    return tuple(
        Hop(f"{CREW}-{agent}", queue_topic(agent, prefix), group, CREW, agent) for agent in AGENTS
    )
