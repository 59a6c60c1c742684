"""Agents: who was seen, when last, and how much each has sent, received and failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from aimesh.core.mesh_events import STEPS
from aimesh.core.telemetry import QUEUE_PREFIX, queue_topic
from aimesh.tables.telemetry.rows import Store, packed

MOST_AGENTS = 10_000
PREFIX = "a/"


@dataclass(slots=True)
class Agent:
    """One agent: messages it sent and received by type, errors by severity, work of a stage.

    ``ordinal`` is the last thing counted: what comes once more is not counted.
    """

    key: str
    name: str = ""
    ordinal: int = 0
    first_seen: str = ""
    last_seen: str = ""
    heartbeat_at: str = ""
    sent: dict[str, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    worked: dict[str, int] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """Return the agent as it is written to the table, and shown."""
        return {name: getattr(self, name) for name in self.__slots__}


class Agents:
    """All agents that were seen, bounded: those not seen for longest go first.

    Arguments:
        store: where their rows are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.agents: dict[str, Agent] = {}
        self._keys: dict[str, str] = {}
        self._changed: dict[str, None] = {}

    def key_of(self, name: str) -> str:
        """Return what an agent is known by: the end of its queue's name."""
        key = self._keys.get(name)
        if key is None:
            if len(self._keys) > 4 * MOST_AGENTS:
                self._keys.clear()
            key = self._keys[name] = queue_topic(name).removeprefix(QUEUE_PREFIX)
        return key

    def note_message(self, ordinal: int, queue: str, record: Mapping[str, Any]) -> None:
        """Count a message for its sender and for whose queue it is in."""
        kind, at = record["message_type"], record["timestamp"]
        source = self._seen(ordinal, self.key_of(record["source_agent"]), at)
        if source is not None:
            source.name = record["source_agent"]
            source.sent[kind] = source.sent.get(kind, 0) + 1
            source.last_seen = max(source.last_seen, at)
            if kind == "heartbeat":
                source.heartbeat_at = max(source.heartbeat_at, at)
            source.ordinal = ordinal
        target = self._seen(ordinal, queue, at, also=source)
        if target is not None:
            target.name = target.name or record["target_agent"] or queue
            target.received[kind] = target.received.get(kind, 0) + 1
            target.ordinal = ordinal

    def note_error(self, ordinal: int, record: Mapping[str, Any]) -> None:
        """Count an error for its agent."""
        severity, at = record["severity"], record["timestamp"]
        agent = self._seen(ordinal, self.key_of(record["agent_name"]), at)
        if agent is not None:
            agent.name = record["agent_name"]
            agent.errors[severity] = agent.errors.get(severity, 0) + 1
            agent.last_seen = max(agent.last_seen, at)
            agent.ordinal = ordinal

    def note_event(self, ordinal: int, event: Mapping[str, Any]) -> None:
        """Count what a stage of the mesh has done."""
        name, kind, at = event.get("agent"), event["kind"], event["at"]
        agent = self._seen(ordinal, self.key_of(name), at) if name else None
        if agent is not None:
            agent.name = agent.name or str(name)
            if kind not in STEPS:
                agent.worked[kind] = agent.worked.get(kind, 0) + 1
            agent.last_seen = max(agent.last_seen, at)
            agent.ordinal = ordinal

    def _seen(self, ordinal: int, key: str, at: str, also: Agent | None = None) -> Agent | None:
        """Return an agent to be changed, None where the table has the change already."""
        agent = self.agents.get(key)
        if agent is None:
            agent = self.agents[key] = Agent(key, first_seen=at)
            if len(self.agents) > MOST_AGENTS:
                self._drop_one()
        if agent.ordinal >= ordinal and agent is not also:
            return None
        self._changed[key] = None
        return agent

    def _drop_one(self) -> None:
        gone = min(self.agents.values(), key=lambda agent: agent.last_seen)
        del self.agents[gone.key]
        self._changed[gone.key] = None

    # -- keeping

    def take_changes(self) -> Iterator[tuple[str, bytes | None]]:
        """Return what has changed as keys and values; None for what is to go."""
        changed, self._changed = self._changed, {}
        for key in changed:
            agent = self.agents.get(key)
            yield PREFIX + key, packed(agent.stored()) if agent else None

    def restore(self) -> Iterator[None]:
        """Read all agents anew, in steps."""
        for some in self._store.items():
            for key, value in some:
                if key.startswith(PREFIX):
                    agent = Agent(**orjson.loads(value))
                    self.agents[agent.key] = agent
            yield
