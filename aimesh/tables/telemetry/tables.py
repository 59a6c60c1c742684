"""The tables of the telemetry: everything that any agent said, kept and indexed.

The feed is worked in strictly in order and each of its records once, so that the same feed gives
the same state. Rows go to the tables in batches; one value, the mark, says up to where they hold.
What a crash leaves behind the mark is not looked at, and comes once more in the same places.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
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
from aimesh.tables.telemetry.writing import FeedLostError, Write, write_all

logger = logging.getLogger(__name__)

MARK = "mark"

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


class TelemetryTables:
    """All state of the telemetry.

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
            elif (happening := self._take(kind, topic, record)) is not None:
                found.append(happening)
        return found

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

    # -- keeping

    def _mark(self, gone: Mapping[str, list[str]]) -> bytes:
        return packed(
            {
                "tag": self.tag,
                "feed": self.feed,
                "next": self.next,
                "origins": self._origins,
                "counts": self.counts,
                "messages": self.messages.stored(),
                "errors": self.errors.stored(),
                "tasks": self.tasks.stored(),
                "undecodable": self.undecodable.stored(),
                "durations": self.durations.stored(),
                "traces": {"low": self.traces.low, "dropped": self.traces.dropped},
                # removed only when the mark no longer needs them, so perhaps by whoever comes next
                "gone": gone,
            }
        )

    async def write(self, holds: Callable[[], bool]) -> int:
        """Write down what has changed; return the last record of the feed that is now durable.

        Arguments:
            holds: tells whether this worker still has the feed.

        Raises:
            FeedLostError: it has not, nothing more was written.
        """
        gone, self._gone = self._gone, {name: [] for name in self._gone}
        for name, keys in self._no_longer_needed():
            gone[name] += keys
            keys.clear()
        mark, reached = self._mark(gone), self.feed
        rolls = (*self.messages.rolls(), self.errors.bodies, self.errors.ledger)
        pages = [(roll.store, [*roll.take_unwritten()]) for roll in rolls]
        await write_all(
            ((store, key, b"\n".join(rows)) for store, some in pages for key, rows in some), holds
        )
        await write_all(self._changed_rows(), holds)
        for roll in rolls:
            roll.written()
        self.tasks.written()
        await write_all(iter([(self._stores["marks"], MARK, mark)]), holds)
        await write_all(self._removals(gone), holds)
        return reached

    def _removals(self, gone: Mapping[str, list[str]]) -> Iterator[Write]:
        for name, keys in gone.items():
            for key in keys:
                # a trace that a crash left behind may have come again under its number
                if name != "traces" or self.traces.numbered(int(key)) is None:
                    yield self._stores[name], key, None

    def _no_longer_needed(self) -> Iterator[tuple[str, list[str]]]:
        yield "messages", self.messages.gone
        yield "ledger", self.messages.gone_lines
        yield "errors", self.errors.gone
        yield "ledger", self.errors.gone_lines
        yield "traces", self.tasks.gone

    def _changed_rows(self) -> Iterator[Write]:
        for key, row in self.tasks.take_changes():
            yield self._stores["traces"], key, row
        for agent, value in self.agents.take_changes():
            yield self._stores["agents"], agent, value
        for key, row in self.undecodable.take_changes():
            yield self._stores["agents"], key, row

    def restore(self, holds: Callable[[], bool]) -> Iterator[None]:
        """Work everything out anew from the tables, in steps, so that others may run between.

        Arguments:
            holds: tells whether this worker still has the feed.

        Raises:
            FeedLostError: it has not.
        """
        self.forget()
        found = self._stores["marks"].read(MARK)
        self.is_new = found is None
        mark = orjson.loads(found) if found else {}
        try:
            yield from self._restore(mark, holds)
        except (ValueError, KeyError, IndexError, TypeError):
            logger.exception("the telemetry's tables are damaged, beginning with what comes now")
            self.forget()
            for part in ("messages", "errors"):
                mark[part]["low"] = mark[part]["next"]
            yield from self._restore(mark, holds)

    def _restore(self, mark: dict[str, Any], holds: Callable[[], bool]) -> Iterator[None]:
        self.tag = mark.get("tag") or uuid.uuid4().hex[:8]
        self.feed = mark.get("feed", -1)
        self.next = mark.get("next", 1)
        self._origins = mark.get("origins", {})
        self.counts = Counter(mark.get("counts", {}))
        self._gone |= mark.get("gone", {})
        traces = mark.get("traces", {})
        self.traces.low = traces.get("low", 0)
        steps = (
            self.messages.restore(mark.get("messages", {})),
            self.errors.restore(mark.get("errors", {})),
            self.tasks.restore(mark.get("tasks", {}), self.next),
            self.agents.restore(),
        )
        for _ in chain.from_iterable(steps):
            yield
            if not holds():
                raise FeedLostError
        self.undecodable.restore(mark.get("undecodable", {}))
        self.durations.restore(mark.get("durations", {}))
        self.traces.dropped = traces.get("dropped", 0)
        self.expire()
