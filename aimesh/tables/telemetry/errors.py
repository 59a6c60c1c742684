"""Errors: their rows, and an index for every combination of filters."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from aimesh.core.moments import seconds_of
from aimesh.core.telemetry import CATEGORIES, SEVERITIES
from aimesh.tables.telemetry.posting import Posting
from aimesh.tables.telemetry.rows import Roll, Store, packed

PAGE = 4
HEAD_PAGE = 512

# ordinal, time, id, severity, category, agent, trace
Line = list[Any]
Filter = tuple[str, str, str]


class Errors:
    """All errors, bounded by how many are kept.

    Arguments:
        bodies: the store of the errors' rows.
        ledger: the store of the short lines that say what is in them.
        keep: how many errors there may be.
    """

    def __init__(self, bodies: Store, ledger: Store, keep: int) -> None:
        self.bodies = Roll(bodies, "e", PAGE)
        self.ledger = Roll(ledger, "e", HEAD_PAGE)
        self._keep = keep
        # what dropping an error needs to know, and where it is in the order of everything
        self._lines: list[tuple[Filter, str, int]] = []
        self._ordinals = array("q")
        self._first = 0
        self._kinds: dict[Filter, Filter] = {}
        self._agents: Counter[str] = Counter()
        self._matching: dict[Filter, Posting] = {}
        self._traces: dict[str, Posting] = {}
        self._ids: dict[int, int] = {}
        self.dropped_to = 0
        #: Keys of pages that are no longer needed: of bodies, and of the ledger.
        self.gone: list[str] = []
        self.gone_lines: list[str] = []

    def __len__(self) -> int:
        return self.bodies.next - self.bodies.low

    @property
    def dropped(self) -> int:
        """How many errors were dropped."""
        return self.bodies.low

    # -- in and out

    def take(self, ordinal: int, record: Mapping[str, Any], body: bytes) -> int:
        """Take in a new error; return its number.

        Arguments:
            ordinal: its place in the order of everything.
            record: a `DetailedError` with all its fields.
            body: what is kept of it to be shown.
        """
        line: Line = [
            ordinal,
            seconds_of(record["timestamp"]),
            record["error_id"],
            record["severity"],
            record["category"],
            record["agent_name"],
            record["trace_id"] or "",
        ]
        number = self.bodies.append(body)
        self.ledger.append(packed(line))
        self._index(number, line)
        while len(self) > self._keep:
            self._drop(self.bodies.low)
        return number

    def _index(self, number: int, line: Line) -> None:
        ordinal, _, name, severity, category, agent, trace_id = line
        whole = (severity, category, agent)
        for wanted in _filters(whole):
            posting = self._matching.get(wanted)
            if posting is None:
                posting = self._matching[wanted] = Posting()
            posting.append(number)
        if trace_id:
            self._traces.setdefault(trace_id, Posting()).append(number)
        self._agents[agent] += 1
        key = hash(name)
        self._ids[key] = number
        self._lines.append((self._shared(whole), trace_id, key))
        self._ordinals.append(ordinal)

    def _shared(self, whole: Filter) -> Filter:
        """Return the one tuple that all errors of a kind share."""
        return self._kinds.setdefault(whole, whole)

    def _drop(self, number: int) -> None:
        whole, trace_id, key = self._lines[number - self._first]
        for wanted in _filters(whole):
            posting = self._matching[wanted]
            posting.drop_first()
            if not len(posting):
                del self._matching[wanted]
        if trace_id:
            self._traces[trace_id].drop_first()
            if not len(self._traces[trace_id]):
                del self._traces[trace_id]
        self._agents[whole[2]] -= 1
        if not self._agents[whole[2]]:
            del self._agents[whole[2]]
        if self._ids.get(key) == number:
            del self._ids[key]
        self.dropped_to = max(self.dropped_to, self._ordinals[number - self._first])
        self.gone += self.bodies.drop_before(number + 1)
        self.gone_lines += self.ledger.drop_before(number + 1)
        self._trim()

    def _trim(self) -> None:
        gone = self.bodies.low - self._first
        if gone >= 4096 and gone * 2 > len(self._lines):
            del self._lines[:gone]
            del self._ordinals[:gone]
            self._first += gone

    # -- reading

    def matching(
        self, *, severity: str = "", category: str = "", agent: str = "", trace_id: str = ""
    ) -> Posting:
        """Return the numbers of the errors that fit all filters; an empty one fits all."""
        if not trace_id:
            return self._matching.get((severity, category, agent)) or Posting()
        found = self._traces.get(trace_id) or Posting()
        wanted = (severity, category, agent)
        if not any(wanted):
            return found
        fitting = Posting()
        for number in found.oldest():
            whole = self._lines[number - self._first][0]
            if all(w in ("", have) for w, have in zip(wanted, whole, strict=True)):
                fitting.append(number)
        return fitting

    def count_of_trace(self, trace_id: str) -> int:
        """Return how many errors a trace has."""
        found = self._traces.get(trace_id)
        return 0 if found is None else len(found)

    def find(self, error_id: str) -> bytes | None:
        """Return the row of an error, None where there is none of this id."""
        number = self._ids.get(hash(error_id))
        return None if number is None else next(iter(self.rows((number,))), None)

    def rows(self, numbers: Iterable[int]) -> list[bytes]:
        """Return rows by their numbers."""
        return self.bodies.rows(numbers)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many errors are kept by severity, category and agent."""
        return {
            "by_severity": self._numbers_of((s, "", "") for s in SEVERITIES),
            "by_category": self._numbers_of(("", c, "") for c in CATEGORIES),
            "by_agent": dict(self._agents.most_common()),
        }

    def _numbers_of(self, filters: Iterable[Filter]) -> dict[str, int]:
        found = {"".join(wanted): len(self._matching.get(wanted, ())) for wanted in filters}
        return {name: number for name, number in found.items() if number}

    def ordinal_of(self, number: int) -> int:
        """Return an error's place in the order of everything."""
        return self._ordinals[number - self._first]

    def from_ordinal(self, ordinal: int) -> int:
        """Return the first error at or after a place in the order of everything."""
        low, high = self.bodies.low, self.bodies.next
        while low < high:
            middle = (low + high) // 2
            if self.ordinal_of(middle) < ordinal:
                low = middle + 1
            else:
                high = middle
        return low

    # -- keeping

    def stored(self) -> dict[str, Any]:
        """Return what must be known to read the tables again."""
        return {"low": self.bodies.low, "next": self.bodies.next, "dropped_to": self.dropped_to}

    def restore(self, data: Mapping[str, Any]) -> Iterator[None]:
        """Work everything out anew from the tables, in steps, so that others may run between."""
        low, end = data.get("low", 0), data.get("next", 0)
        self.dropped_to = data.get("dropped_to", 0)
        self._first = low
        for roll in (self.bodies, self.ledger):
            roll.restore(low, end)
        for page in range(low // HEAD_PAGE, -(-end // HEAD_PAGE)):
            numbers = range(max(low, page * HEAD_PAGE), min(end, (page + 1) * HEAD_PAGE))
            lines = orjson.loads(b"[%b]" % b",".join(self.ledger.rows(numbers)))
            for number, line in zip(numbers, lines, strict=True):
                self._index(number, line)
            yield


def _filters(whole: Filter) -> Iterator[Filter]:
    severity, category, agent = whole
    for s in {severity, ""}:
        for c in {category, ""}:
            for a in {agent, ""}:
                yield s, c, a
