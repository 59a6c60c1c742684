"""The slowest traces, and what in them took the time."""

from __future__ import annotations

import heapq
import time
from typing import Any

from aimesh.core.diagnosis.bottlenecks import bottleneck
from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import RUNNING, Trace

MOST_MESSAGES = 300
Shown = dict[str, Any]


def slowest(tables: TelemetryTables, threshold_ms: int, limit: int) -> tuple[int, list[Shown]]:
    """Return how many traces took that long, or go on for so long, and the slowest of them.

    Arguments:
        tables: the telemetry's.
        threshold_ms: the least that a trace must have taken.
        limit: how many are returned.
    """
    now = time.time()
    took = [(_milliseconds(t, now), t.number, t) for t in tables.traces.newest()]
    slow = [one for one in took if one[0] >= threshold_ms]
    found = heapq.nlargest(limit, slow, key=lambda one: one[:2])
    return len(slow), [_shown(tables, trace, ms, now) for ms, _, trace in found]


def _milliseconds(trace: Trace, now: float) -> float:
    return (now - trace.started) * 1000 if trace.status == RUNNING else trace.duration


def _shown(tables: TelemetryTables, trace: Trace, took: float, now: float) -> Shown:
    shown = reading.summary(tables, trace)
    shown["duration_ms"] = round(took, 1)
    detail = reading.detail(tables, trace.trace_id, MOST_MESSAGES)
    found = bottleneck(detail.spans, now) if detail else None
    if found is None:
        return shown | {"bottleneck": None}
    span = found.span
    return shown | {
        "bottleneck": {
            "span_id": span.span_id,
            "name": span.name,
            "kind": span.kind,
            "agent_name": span.agent,
            "status": span.status,
            "duration_ms": round(found.own_s * 1000, 1),
            "share": round(found.share, 3),
        }
    }
