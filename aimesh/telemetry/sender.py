"""What the library is made of below: who sends, where to, and for how long."""

from __future__ import annotations

import logging
import socket
import uuid
from collections import Counter
from collections.abc import Mapping
from copy import copy
from typing import Any, Self

import orjson

from aimesh.core.telemetry import AgentMessage, DetailedError
from aimesh.telemetry.following import headers_of
from aimesh.telemetry.outbox import Letter, Outbox

logger = logging.getLogger(__name__)

ROOM = 10_000
CLOSING_SECONDS = 5.0


class Sender:
    """Sends records of an agent.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        agent: the agent's name; its queue is ``agent-queue-`` and the name.
        agent_id: tells several of the same name apart.
        prefix: of the topics' names, as ``AIMESH_TOPIC_PREFIX``.
        environment, service_name: told with every error.
        room: how many messages may wait for a broker.
        kafka: more options for aiokafka's clients, such as those for TLS and SASL.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        agent: str,
        agent_id: str = "",
        prefix: str = "",
        environment: str = "",
        service_name: str = "",
        room: int = ROOM,
        kafka: Mapping[str, Any] | None = None,
    ) -> None:
        self.agent = agent
        self.agent_id = agent_id or f"{agent}-{uuid.uuid4().hex[:8]}"
        self._prefix = prefix
        self._about = {
            "agent_name": agent,
            "agent_id": self.agent_id,
            "environment": environment or None,
            "service_name": service_name or None,
            "host": socket.gethostname(),
        }
        self._outbox = Outbox(bootstrap, room=room, kafka=kafka or {})

    def acting_as(self, agent: str) -> Self:
        """Return the same for another agent of this process; what this one sends, it sends too."""
        other = copy(self)
        other.agent = agent
        other._about = {**self._about, "agent_name": agent}
        return other

    @property
    def counts(self) -> Counter[str]:
        """How many messages were ``sent``, and under ``dropped.<reason>`` were not."""
        return self._outbox.counts

    async def __aenter__(self) -> Self:
        """Begin to send; does not wait for a broker."""
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Send what is there for some seconds, then stop."""
        await self.close()

    async def start(self) -> None:
        """Begin to send; does not wait for a broker."""
        await self._outbox.start()

    async def close(self, timeout: float = CLOSING_SECONDS) -> None:
        """Send what is there for at most ``timeout`` seconds, then stop."""
        await self._outbox.close(timeout)

    async def flush(self, timeout: float = CLOSING_SECONDS) -> bool:
        """Wait until a broker has everything; False after ``timeout`` seconds."""
        return await self._outbox.flush(timeout)

    # -- sending

    def _post(self, topic: str, key: str, record: AgentMessage | DetailedError) -> None:
        value = orjson.dumps(record.stored(), default=str, option=orjson.OPT_NON_STR_KEYS)
        key_bytes = key.encode("utf-8", "replace")
        self._outbox.put(Letter(topic, key_bytes, value, headers_of(record, self.agent)))

    def _refuse(self, what: str, exc: Exception) -> None:
        self._outbox.drop("invalid")
        logger.debug("%s could not be told: %r", what, exc)
