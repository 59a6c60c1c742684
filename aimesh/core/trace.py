"""Trace context: one trace for each task, found again from the task's id alone.

The header is W3C Trace Context (https://www.w3.org/TR/trace-context/#traceparent-header).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

HEADER = "traceparent"

_TRACE = re.compile(r"[0-9a-f]{32}")
_SPAN = re.compile(r"[0-9a-f]{16}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def trace_id(task_id: str) -> str:
    """Return the trace id (32 hexadecimal digits) that belongs to a task."""
    return hashlib.sha256(task_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def span_id(name: str) -> str:
    """Return the span id (16 hexadecimal digits) that belongs to a step's unique name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def traceparent(trace: str, span: str) -> str:
    """Return the header's value for a sampled span of a trace, whatever form the ids have.

    Arguments:
        trace: the trace's id; a UUID is one without its hyphens, any other text is hashed.
        span: the span's id; any text that is none is hashed.
    """
    plain, own = trace.lower().replace("-", ""), span.lower()
    if not _TRACE.fullmatch(plain) or set(plain) == {"0"}:
        plain = trace_id(trace)
    if not _SPAN.fullmatch(own) or set(own) == {"0"}:
        own = span_id(span)
    return f"00-{plain}-{own}-01"


def parse_traceparent(value: str) -> tuple[str, str] | None:
    """Return trace id and parent span id of a header, None where it is not a valid one."""
    match = _TRACEPARENT.fullmatch(value.strip().lower())
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        return None
    return match[1], match[2]


def place_in(
    headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None,
) -> tuple[str, str] | None:
    """Return trace id and parent span id that a message's headers name, None where they do not."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    for name, value in pairs:
        if name == HEADER and value:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            if found := parse_traceparent(text):
                return found
    return None
