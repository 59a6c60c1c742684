"""Errors that are the same, put together: how often, since when, by whom, how often before."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

MINUTE = 60
# how far back a group's own past reaches
KEPT_MINUTES = 240
MOST_GROUPS = 500
MOST_AGENTS = 50
MOST_TRACES = 5
MOST_SUBJECTS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """One thing that went wrong.

    ``source`` says what it is: ``error`` of an agent, ``dead_letter``, ``verdict`` or
    ``undecodable``. ``subject`` is what it happened to: a task or a trace. ``refs`` are where
    to read it, as topic/partition/offset.
    """

    source: str
    fingerprint: str
    at: float
    kind: str
    category: str
    severity: str
    message: str
    agent: str = ""
    subject: str = ""
    trace_id: str = ""
    refs: tuple[str, ...] = ()
    name: str = ""
    fixes: tuple[str, ...] = ()
    model: str = ""
    is_final: bool = False
    is_repeated: bool = False


@dataclass
class Group:
    """Occurrences with the same fingerprint. Times are Unix seconds."""

    sample: Occurrence
    first_seen: float
    last_seen: float
    count: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    agents: Counter[str] = field(default_factory=Counter)
    traces: OrderedDict[str, None] = field(default_factory=OrderedDict)
    refs: OrderedDict[str, None] = field(default_factory=OrderedDict)
    subjects: Counter[str] = field(default_factory=Counter)
    repeated: OrderedDict[str, float] = field(default_factory=OrderedDict)

    def add(self, one: Occurrence) -> None:
        """Take in an occurrence."""
        self.count += 1
        self.first_seen = min(self.first_seen, one.at)
        if one.at >= self.last_seen:
            self.last_seen, self.sample = one.at, one
        self.minutes[int(one.at // MINUTE)] += 1
        if one.agent in self.agents or len(self.agents) < MOST_AGENTS:
            self.agents[one.agent] += 1
        if one.subject in self.subjects or len(self.subjects) < MOST_SUBJECTS:
            self.subjects[one.subject] += 1
        _note(self.traces, one.trace_id)
        for ref in one.refs:
            _note(self.refs, ref)
        if one.is_repeated:
            self.repeated[one.subject] = one.at
            while len(self.repeated) > MOST_SUBJECTS:
                self.repeated.popitem(last=False)
        if len(self.minutes) > KEPT_MINUTES:
            newest = max(self.minutes)
            for minute in [m for m in self.minutes if m <= newest - KEPT_MINUTES]:
                del self.minutes[minute]

    def between(self, start: float, end: float) -> int:
        """Return how many there were from one time to another, to the minute."""
        first, last = int(start // MINUTE), int(end // MINUTE)
        return sum(n for minute, n in self.minutes.items() if first <= minute <= last)

    def within(self, now: float, window: float) -> int:
        """Return how many there were in the window, all of them where it began in it."""
        return self.between(now - window, now + MINUTE)

    def past_rate(self, now: float, window: float) -> float | None:
        """Return how many there were a minute before the window; None where nothing is known."""
        start = int((now - window) // MINUTE)
        before = [n for minute, n in self.minutes.items() if minute < start]
        if not before:
            return None
        known = start - min(m for m in self.minutes if m < start)
        return sum(before) / max(1, known)

    def pressure(self, now: float, window: float) -> float | None:
        """Return the rate in the window over its own past, None without a past."""
        past = self.past_rate(now, window)
        if past is None:
            return None
        return self.within(now, window) / max(1.0, window / MINUTE) / max(past, 1 / KEPT_MINUTES)


class Groups:
    """All groups, bounded: the one not seen for longest goes first, counted in ``dropped``."""

    def __init__(self, most: int = MOST_GROUPS) -> None:
        self._most = most
        self._groups: OrderedDict[tuple[str, str], Group] = OrderedDict()
        self.dropped = 0

    def add(self, one: Occurrence) -> None:
        """Take in an occurrence."""
        key = (one.source, one.fingerprint)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(one, one.at, one.at)
        group.add(one)
        self._groups.move_to_end(key)
        if len(self._groups) > self._most:
            self._groups.popitem(last=False)
            self.dropped += 1

    def since(self, at: float) -> Iterator[Group]:
        """Iterate over the groups that were seen at or after a time, newest first."""
        return (g for g in reversed(self._groups.values()) if g.last_seen >= at)


def _note(kept: OrderedDict[str, None], value: str) -> None:
    if value:
        kept[value] = None
        kept.move_to_end(value)
        if len(kept) > MOST_TRACES:
            kept.popitem(last=False)
