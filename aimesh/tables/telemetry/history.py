"""What happened before, in the order of everything, as far back as the tables reach."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice

import orjson

from aimesh.tables.telemetry.live import Told, told_of
from aimesh.tables.telemetry.rows import packed
from aimesh.tables.telemetry.tables import TelemetryTables

# its place, its kind, and what it is found by: a message's or an error's number, or its row
Reference = tuple[int, str, int | bytes]


def after(tables: TelemetryTables, ordinal: int, most: int, trace_id: str = "") -> list[Told]:
    """Return what comes after a place, in order.

    Arguments:
        tables: the tables.
        ordinal: the place.
        most: how much at most.
        trace_id: only what belongs to this trace; everything when empty.
    """
    sources = (
        _messages(tables, ordinal, trace_id),
        _errors(tables, ordinal, trace_id),
        _events(tables, ordinal, trace_id),
    )
    merged = heapq.merge(*sources, key=lambda reference: reference[0])
    return [told for told in _read(tables, islice(merged, most)) if told is not None]


def missed(tables: TelemetryTables, ordinal: int) -> int:
    """Return how much of what came after a place is no longer there."""
    if ordinal >= dropped_to(tables):
        return 0
    messages, errors = tables.messages, tables.errors
    kept = messages.ledger.next - messages.from_ordinal(ordinal + 1)
    kept += errors.bodies.next - errors.from_ordinal(ordinal + 1)
    kept += sum(1 for _ in tables.tasks.after(ordinal))
    return max(0, tables.next - 1 - ordinal - kept)


def dropped_to(tables: TelemetryTables) -> int:
    """Return the highest place of anything that was dropped."""
    return max(tables.messages.dropped_to, tables.errors.dropped_to, tables.tasks.dropped_to)


def _messages(tables: TelemetryTables, ordinal: int, trace_id: str) -> Iterator[Reference]:
    messages = tables.messages
    start = messages.from_ordinal(ordinal + 1)
    if trace_id:
        trace = tables.traces.of_messages(trace_id)
        numbers = messages.of_trace(trace, start) if trace else iter(())
    else:
        numbers = iter(range(start, messages.ledger.next))
    return ((messages.ordinal_of(number), "message", number) for number in numbers)


def _errors(tables: TelemetryTables, ordinal: int, trace_id: str) -> Iterator[Reference]:
    errors = tables.errors
    start = errors.from_ordinal(ordinal + 1)
    numbers = errors.matching(trace_id=trace_id).oldest(start)
    return ((errors.ordinal_of(number), "error", number) for number in numbers)


def _events(tables: TelemetryTables, ordinal: int, trace_id: str) -> Iterator[Reference]:
    if not trace_id:
        for place, event, _ in tables.tasks.after(ordinal):
            yield place, "event", packed(event)
    elif (trace := tables.traces.of_task(trace_id)) is not None:
        for event in tables.tasks.events(trace):
            if event["n"] > ordinal:
                yield event["n"], "event", packed(event)


def _read(tables: TelemetryTables, references: Iterator[Reference]) -> Iterator[Told | None]:
    for ordinal, kind, found in references:
        if isinstance(found, bytes):
            rows = [found]
        elif kind == "message":
            rows = tables.messages.bodies((found,))
        else:
            rows = tables.errors.rows((found,))
        yield from (told_of(ordinal, kind, orjson.loads(row), row) for row in rows)
