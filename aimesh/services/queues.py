"""Queues of agents, made where they are missing: few brokers make a topic for whoever writes."""

from __future__ import annotations

import logging

from aimesh.core.telemetry import queue_topic
from aimesh.core.text import printable
from aimesh.errors import MeshError, UnavailableError
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import Brokers, connected
from aimesh.topics import DAY, Layout

logger = logging.getLogger(__name__)

# one partition is one order, by which priority is exact
PARTITIONS = 1
RETENTION = 7 * DAY


class Queues:
    """Sees to it that agents have the queues that others write to.

    Arguments:
        brokers: where Kafka is.
        prefix: of all topics' names.
        replication: how many brokers keep a queue that is made here.
    """

    def __init__(self, brokers: Brokers, prefix: str, replication: int) -> None:
        self._brokers = brokers
        self._prefix = prefix
        self._replication = replication
        self._known: set[str] = set()

    async def ensure(self, agent: str) -> str:
        """Make an agent's queue where it is missing; return its topic.

        Raises:
            UnavailableError: no broker answers, or none may make it.
        """
        topic = queue_topic(agent, self._prefix)
        if topic not in self._known:
            async with connected(self._brokers) as admin:
                if not await admin.partitions([topic]):
                    await self._make(admin, topic)
                    logger.info("%s had no queue: %s was created", printable(agent), topic)
            self._known.add(topic)
        return topic

    async def _make(self, admin: KafkaAdmin, topic: str) -> None:
        try:
            await admin.ensure([Layout(topic, PARTITIONS, RETENTION)], self._replication)
        except UnavailableError:
            raise
        except MeshError as exc:
            remedy = f"create {topic}, or let AI-Mesh create topics"
            raise UnavailableError("kafka", str(exc), remedy=remedy) from exc
