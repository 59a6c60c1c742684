"""The state of the telemetry: everything that any agent said, kept and indexed.

The feed is worked in strictly in order and each of its records once, so that the same feed gives
the same state.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from aimesh.core.mesh_events import ENDS
from aimesh.tables.telemetry.agents import Agents
from aimesh.tables.telemetry.durations import Durations
from aimesh.tables.telemetry.errors import Errors
from aimesh.tables.telemetry.mesh_traces import MeshTraces
from aimesh.tables.telemetry.messages import Messages
from aimesh.tables.telemetry.rows import Store, packed
from aimesh.tables.telemetry.traces import Traces
from aimesh.tables.telemetry.undecodable import Undecodables

logger = logging.getLogger(__name__)

# kind, topic, partition, offset, record
Entry = Sequence[Any]


class Keep(NamedTuple):
    """How many messages, errors and traces are kept."""

    messages: int = 1_000_000
    errors: int = 100_000
    traces: int = 100_000


class Happening(NamedTuple):
    """Something that was new: its place in the order of everything, its kind, and its row."""

    ordinal: int
    kind: str
    record: dict[str, Any]
    row: bytes


class TelemetryState:
    """All state of the telemetry, as the feed makes it.

    Arguments:
        open_store: makes the store of a name and a purpose.
        keep: the bounds.
    """

    def __init__(self, open_store: Callable[[str, str], Store], keep: Keep) -> None:
        self._keep = keep
        self._stores = {
            name: open_store(name, purpose)
            for name, purpose in (
                ("messages", "The messages of all queues, in pages of one queue and type."),
                ("ledger", "A short line of every message and error, in the order of arrival."),
                ("errors", "The errors of all agents."),
                ("traces", "What happened to every task of the mesh."),
                ("agents", "When every agent was seen, and what could not be read."),
                ("marks", "Up to where the feed is worked in."),
            )
        }
        self.forget()

    def forget(self) -> None:
        """Drop all state: the feed may move."""
        stores = self._stores
        for store in stores.values():
            store.forget()
        self.tag = ""
        #: Whether nothing was ever written down.
        self.is_new = True
        self.feed = -1
        self.next = 1
        self._origins: dict[str, list[int]] = {}
        self.counts: Counter[str] = Counter()
        self.traces = Traces(self._keep.traces)
        self.messages = Messages(
            stores["messages"], stores["ledger"], self.traces, self._keep.messages
        )
        self.errors = Errors(stores["errors"], stores["ledger"], self._keep.errors)
        self.tasks = MeshTraces(stores["traces"], self.traces)
        self.agents = Agents(stores["agents"])
        self.undecodable = Undecodables(stores["agents"])
        self.durations = Durations()
        # keys of pages that the mark no longer needs, by store
        self._gone: dict[str, list[str]] = {name: [] for name in stores}

    # -- in

    def work_in(self, offset: int, value: bytes) -> list[Happening]:
        """Work a record of the feed in as it was read; one that cannot be is logged and no more.

        Arguments:
            offset: the record's place in the feed.
            value: the record.
        """
        try:
            return self.apply(offset, orjson.loads(value))
        except Exception:
            # what escapes here would end the reading
            logger.exception("record %s of the feed cannot be worked in", offset)
            return []

    def apply(self, offset: int, entries: Iterable[Entry]) -> list[Happening]:
        """Work a record of the feed in; return what of it was new.

        Arguments:
            offset: the record's place in the feed; one that was worked in before is passed over.
            entries: what it holds, each with where it was read.
        """
        if offset <= self.feed:
            return []
        self.feed = offset
        found = []
        for kind, topic, partition, place, record in entries:
            if not self._is_new(topic, partition, place):
                self.counts["duplicates"] += 1
            elif (happening := self._take_in(kind, topic, record)) is not None:
                found.append(happening)
        return found

    def _take_in(self, kind: str, topic: str, record: dict[str, Any]) -> Happening | None:
        """Take in one entry; what cannot be is logged, and keeps none of the others out."""
        try:
            return self._take(kind, topic, record)
        except Exception:
            logger.exception("a record of %s cannot be taken in", topic)
            return None

    def _is_new(self, topic: str, partition: int, place: int) -> bool:
        places = self._origins.get(topic)
        if places is None:
            places = self._origins[topic] = []
        while len(places) <= partition:
            places.append(-1)
        if place <= places[partition]:
            return False
        places[partition] = place
        return True

    def _take(self, kind: str, topic: str, record: dict[str, Any]) -> Happening | None:
        if kind == "undecodable":
            self.undecodable.take(record)
            return None
        ordinal = self.next
        self.next += 1
        queue = record.pop("queue", "")
        row = packed(record)
        if kind == "message":
            self.messages.take(ordinal, queue, record, row)
            self.agents.note_message(ordinal, queue, record)
        elif kind == "error":
            self.errors.take(ordinal, record, row)
            self.agents.note_error(ordinal, record)
        else:
            self.tasks.take(ordinal, record)
            self.agents.note_event(ordinal, record)
            self._note_duration(record)
        self.counts[f"{kind}s"] += 1
        while (overdue := self.traces.overdue()) is not None:
            if overdue.task_id:
                self.tasks.forget(overdue)
            self.traces.drop(overdue)
        return Happening(ordinal, kind, record, row)

    def _note_duration(self, event: dict[str, Any]) -> None:
        seconds = event["data"].get("duration_s")
        if event["kind"] in ENDS and event.get("agent") and isinstance(seconds, int | float):
            self.durations.note(event["agent"], max(0.0, seconds))

    def expire(self) -> None:
        """Let tasks run out whose time has come."""
        self.messages.expire(time.time())
