"""What the list of traces says of each trace."""

from __future__ import annotations

from functools import partial
from operator import attrgetter

import orjson

from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import Trace
from aimesh.views.telemetry.kept_rows import KeptRows

# all of a trace that a row is made from and that may change
_state = attrgetter(
    "trace_id", "status", "started", "duration", "last_at", "messages", "open",
    "tokens", "calls", "session", "user",
)  # fmt: skip


class TraceRows:
    """Rows of the list of traces, as JSON."""

    def __init__(self) -> None:
        self._kept = KeptRows[int]()

    def row(self, tables: TelemetryTables, trace: Trace) -> orjson.Fragment:
        """Return what the list says of a trace."""
        version = (tables.errors.count_of_trace(trace.trace_id), _state(trace))
        make = partial(reading.summary, tables, trace)
        return self._kept.row(tables.traces, trace.number, version, make)
