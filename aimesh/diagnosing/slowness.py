"""The slowest traces, and what in them took the time."""

from __future__ import annotations

import time
from typing import Any

from aimesh.core.diagnosis.bottlenecks import bottleneck
from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import Trace

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
    count, found = tables.traces.slowest(threshold_ms, limit, now)
    return count, [_shown(tables, trace, ms, now) for ms, trace in found]


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
