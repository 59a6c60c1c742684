"""Reads along with the telemetry's tables, and adds up what went wrong and how long things took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from aimesh.core.diagnosis.fingerprints import essence, fingerprint
from aimesh.core.diagnosis.groups import MINUTE, Group, Groups, Occurrence
from aimesh.core.diagnosis.pace import Paces, Sample
from aimesh.core.moments import seconds_of
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import Trace

BATCH = 200
KEPT_MINUTES = 240
# how it goes now is how the last ones ended
NEWEST = 5

Event = dict[str, Any]


class Follower:
    """What happened, grouped; worked out anew from the tables whenever they are read anew.

    Nothing of it is stored: it is a digest of tables that survive.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._forget()

    def _forget(self) -> None:
        self.groups = Groups()
        self.paces = Paces()
        #: Tasks that ended, and that failed, by minute.
        self.ended: Counter[int] = Counter()
        self.failed: Counter[int] = Counter()
        #: When the tasks that ended last did so, by id. Topics and partitions are read in turn.
        self.newest: dict[str, float] = {}
        #: Tokens and calls of models by model and minute.
        self.tokens: Counter[tuple[str, int]] = Counter()
        self.calls: Counter[tuple[str, int]] = Counter()
        self._error = self._ordinal = self._undecodable = 0

    def behind(self, tables: TelemetryTables) -> int:
        """Return how many errors have not been read yet."""
        if self._of is not tables.errors:
            return len(tables.errors)
        return tables.errors.bodies.next - max(self._error, tables.errors.bodies.low)

    def follow(self, tables: TelemetryTables, seconds: float) -> bool:
        """Read on for some seconds at most; tell whether everything was read."""
        if self._of is not tables.errors:
            self._forget()
            self._of = tables.errors
        until = time.perf_counter() + seconds
        return all(
            self._within(step, until)
            for step in (self._undecodables(tables), self._events(tables), self._errors(tables))
        )

    def _within(self, steps: Iterator[None], until: float) -> bool:
        return not any(time.perf_counter() > until for _ in steps)

    # -- errors of agents

    def _errors(self, tables: TelemetryTables) -> Iterator[None]:
        bodies = tables.errors.bodies
        while (start := max(self._error, bodies.low)) < bodies.next:
            end = min(start + BATCH, bodies.next)
            for row in tables.errors.rows(range(start, end)):
                self.groups.add(_of_error(orjson.loads(row)))
            self._error = end
            yield

    def _undecodables(self, tables: TelemetryTables) -> Iterator[None]:
        for row in tables.undecodable.newest:
            if row["number"] > self._undecodable:
                self._undecodable = row["number"]
                self.groups.add(_of_undecodable(row))
        yield

    # -- the mesh

    def _events(self, tables: TelemetryTables) -> Iterator[None]:
        after = tables.tasks.after(self._ordinal)
        for number, (ordinal, event, trace) in enumerate(after, 1):
            self._take(tables, ordinal, event, trace)
            self._ordinal = ordinal
            if number % BATCH == 0:
                yield
        yield

    def _take(self, tables: TelemetryTables, ordinal: int, event: Event, trace: Trace) -> None:
        data, at, kind = event["data"], seconds_of(event["at"]), event["kind"]
        if kind in ("solution", "review"):
            agent = "consumer" if kind == "solution" else "reviewer"
            self._model(at, data, Sample(at, _seconds(data), trace.trace_id, agent))
        elif kind == "done" and event.get("agent") and data.get("tries", 1) == 1:
            # one that was tried again has waited for something, and tells nothing of a pace
            sample = Sample(at, _seconds(data), trace.trace_id, event["agent"])
            self.paces.add("agent", event["agent"], sample)
        elif kind == "verdict" and not data.get("success"):
            before = (e for e in tables.tasks.events(trace) if e["n"] < ordinal)
            self.groups.add(_of_verdict(event, trace, at, list(before)))
        elif kind == "dead_letter":
            self.groups.add(_of_dead_letter(event, trace, at))
        if kind == "review":
            self._end(event["task_id"], at, failed=not data.get("success"))
        elif kind == "dead_letter":
            self._end(event["task_id"], at, failed=True)

    def _end(self, task_id: str, at: float, *, failed: bool) -> None:
        self.newest[task_id] = at
        if len(self.newest) > NEWEST:
            del self.newest[min(self.newest, key=self.newest.__getitem__)]
        minute = int(at // MINUTE)
        self.ended[minute] += 1
        self.failed[minute] += failed
        if len(self.ended) > KEPT_MINUTES:
            oldest = min(self.ended)
            del self.ended[oldest]
            self.failed.pop(oldest, None)

    def _model(self, at: float, data: Mapping[str, Any], sample: Sample) -> None:
        model = str(data.get("model") or "")
        if not model or data.get("output_tokens") is None:
            return  # no answer came
        self.paces.add("model", model, sample)
        key = (model, int(at // MINUTE))
        self.tokens[key] += (data.get("input_tokens") or 0) + data["output_tokens"]
        self.calls[key] += 1
        if len(self.calls) > KEPT_MINUTES:
            for old in sorted(self.calls, key=lambda k: k[1])[: len(self.calls) // 2]:
                del self.calls[old]
                self.tokens.pop(old, None)

    def recent(self, now: float, window: float) -> list[Group]:
        """Return the groups that were seen in the window, newest first."""
        return list(self.groups.since(now - window))


def _seconds(data: Mapping[str, Any]) -> float:
    value = data.get("duration_s")
    return float(value) if isinstance(value, int | float) else 0.0


def _of_error(record: Mapping[str, Any]) -> Occurrence:
    message = str(record["error_message"] or "")
    kind = str(record["error_type"] or "")
    return Occurrence(
        source="error",
        fingerprint=fingerprint("error", kind, record["category"], essence(message)),
        at=seconds_of(record["timestamp"]),
        kind=kind,
        category=record["category"],
        severity=record["severity"],
        message=message,
        agent=record["agent_name"],
        subject=_subject(record),
        trace_id=record["trace_id"] or "",
        refs=(record.get("ref", ""),),
        name=record["error_id"],
        fixes=tuple(map(str, record["suggested_fixes"][:3])),
        model=record["model_name"] or "",
    )


def _subject(record: Mapping[str, Any]) -> str:
    """Return what an error happened to: a message or a task where it says so, or its trace."""
    known = record["input_data"]
    named = next((known[n] for n in ("message_id", "task_id") if isinstance(known.get(n), str)), "")
    return named or record["trace_id"] or ""


def _of_undecodable(row: Mapping[str, Any]) -> Occurrence:
    return Occurrence(
        source="undecodable",
        fingerprint=fingerprint("undecodable", row["topic"], essence(row["reason"])),
        at=seconds_of(row["at"]),
        kind="Undecodable",
        category="validation_error",
        severity="error",
        message=row["reason"],
        refs=(f"{row['topic']}/{row['partition']}/{row['offset']}",),
        name=row["topic"],
    )


def _of_dead_letter(event: Event, trace: Trace, at: float) -> Occurrence:
    data = event["data"]
    message, kind = str(data.get("error", "")), str(data.get("error_type", ""))
    return Occurrence(
        source="dead_letter",
        fingerprint=fingerprint("dead_letter", kind, essence(message)),
        at=at,
        kind=kind,
        category="validation_error",
        severity="error",
        message=message,
        subject=event["task_id"],
        trace_id=trace.trace_id,
        refs=(str(data.get("origin", "")), event.get("ref", "")),
        name=str(data.get("topic", "")),
    )


def _of_verdict(event: Event, trace: Trace, at: float, before: list[Event]) -> Occurrence:
    data = event["data"]
    name = _failure(data)
    earlier = [e["data"] for e in before if e["kind"] == "verdict"]
    return Occurrence(
        source="verdict",
        fingerprint=name,
        at=at,
        kind=str(data.get("verdict", "")),
        category="tool_error",
        severity="warning",
        message=str(data.get("error") or data.get("verdict", "")),
        agent="sandbox",
        subject=event["task_id"],
        trace_id=trace.trace_id,
        refs=(event.get("ref", ""),),
        is_final=bool(data.get("final")),
        is_repeated=bool(data.get("final")) and any(_failure(d) == name for d in earlier),
    )


def _failure(data: Mapping[str, Any]) -> str:
    return fingerprint(
        "verdict", str(data.get("verdict", "")), essence(str(data.get("error") or ""))
    )
