"""The tables of the telemetry: its state, written down and read again.

Rows go to the tables in batches; one value, the mark, says up to where they hold. What a crash
leaves behind the mark is not looked at, and comes once more in the same places.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from aimesh.tables.telemetry.rows import packed
from aimesh.tables.telemetry.state import Happening, Keep, TelemetryState
from aimesh.tables.telemetry.writing import FeedLostError, Write, write_all

__all__ = ["Happening", "Keep", "TelemetryTables"]

logger = logging.getLogger(__name__)

MARK = "mark"


class TelemetryTables(TelemetryState):
    """All state of the telemetry, as it survives a restart.

    Arguments:
        open_store: makes the store of a name and a purpose.
        keep: the bounds.
    """

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
