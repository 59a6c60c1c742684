"""What happens right now, for clients that watch: the newest in memory, the rest from the tables.

Nothing is buffered for a client. Each has a place in the order of everything, and reads from there
at its own pace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from aimesh.services.announcing import Announcer

MOST_ENTRIES = 5000
MOST_BYTES = 12 << 20

TYPES = {"message": "agent_queue_message", "error": "error", "event": "trace_event"}


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, as clients are told of it: ``data`` is one line of JSON."""

    ordinal: int
    type: str
    trace_id: str
    agents: tuple[str, ...]
    words: tuple[str, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants to be told of; an empty list means everything."""

    trace_ids: frozenset[str] = frozenset()
    agent_names: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()

    def admits(self, told: Told) -> bool:
        """Tell whether the client wants to be told of something."""
        if self.trace_ids and told.trace_id not in self.trace_ids:
            return False
        if self.agent_names and self.agent_names.isdisjoint(told.agents):
            return False
        return not self.event_types or not self.event_types.isdisjoint(told.words)


def told_of(ordinal: int, kind: str, record: Mapping[str, Any], row: bytes) -> Told:
    """Return how clients are told of something.

    Arguments:
        ordinal: its place in the order of everything.
        kind: ``message``, ``error`` or ``event``.
        record: what it is.
        row: the same as JSON.
    """
    kind_told = TYPES[kind]
    head: dict[str, Any] = {"type": kind_told}
    if kind == "message":
        head["queue_topic"] = record["ref"].rsplit("/", 2)[0]
        agents: tuple[str, ...] = (record["source_agent"], record["target_agent"])
        words: tuple[str, ...] = (kind_told, record["message_type"])
    elif kind == "error":
        head["message"] = record["error_message"]
        agents = (record["agent_name"],)
        words = (kind_told, record["severity"], record["category"])
    else:
        agents = (record.get("agent", ""),)
        words = (kind_told, record["kind"])
    data = orjson.dumps(head)[:-1] + b"," + row[1:]
    return Told(ordinal, kind_told, record["trace_id"] or "", agents, words, data)


class Live(Announcer):
    """The newest of what happened, and word of it to all who wait."""

    def __init__(self) -> None:
        super().__init__()
        self._told: deque[Told] = deque()
        self._bytes = 0
        #: Clients that watch now.
        self.connections = 0
        self.closed = False

    def tell(self, some: Iterable[Told]) -> None:
        """Take in what happened, and wake all who wait; nobody watching, nothing is kept."""
        if not self.connections:
            self._told.clear()
            self._bytes = 0
            return
        for told in some:
            self._told.append(told)
            self._bytes += len(told.data)
        while len(self._told) > MOST_ENTRIES or self._bytes > MOST_BYTES:
            self._bytes -= len(self._told.popleft().data)
        self._announce()

    def clear(self) -> None:
        """Forget everything: the tables are read anew."""
        self._told.clear()
        self._bytes = 0
        self._announce()

    async def start(self) -> None:
        """Nothing has to be done for it."""

    async def stop(self) -> None:
        """Let all who watch go."""
        self.closed = True
        self._announce()

    @property
    def first(self) -> int | None:
        """The place of the oldest that is here, None where nothing is."""
        return self._told[0].ordinal if self._told else None

    @property
    def last(self) -> int:
        """The place of the newest that is here, -1 where nothing is."""
        return self._told[-1].ordinal if self._told else -1

    def after(self, ordinal: int, most: int) -> list[Told]:
        """Return what comes after a place, as far as it is here."""
        if not self._told or self._told[-1].ordinal <= ordinal:
            return []
        # places have no holes
        start = max(0, ordinal + 1 - self._told[0].ordinal)
        return list(islice(self._told, start, start + most))
