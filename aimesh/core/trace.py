"""Trace context: one trace for each task, found again from the task's id alone.

The header is W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header).
"""

from __future__ import annotations

import hashlib
import re

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def trace_id(task_id: str) -> str:
    """Return the trace id (32 hexadecimal digits) that belongs to a task."""
    return hashlib.sha256(task_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def span_id(name: str) -> str:
    """Return the span id (16 hexadecimal digits) that belongs to a step's unique name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def traceparent(trace: str, span: str) -> str:
    """Return the header's value for a sampled span of a trace."""
    return f"00-{trace}-{span}-01"


def parse_traceparent(value: str) -> tuple[str, str] | None:
    """Return trace id and parent span id of a header, None where it is not a valid one."""
    match = _TRACEPARENT.fullmatch(value.strip().lower())
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        return None
    return match[1], match[2]
