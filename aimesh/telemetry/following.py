"""The trace that an agent's work belongs to, carried along by asyncio's context."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from aimesh.core import trace
from aimesh.core.telemetry import AgentMessage, DetailedError


@dataclass(frozen=True)
class Place:
    """Where in a trace something happens. ``span_id`` is empty where no span is known."""

    trace_id: str
    span_id: str = ""


#: The place that the running task works at.
current: ContextVar[Place | None] = ContextVar("aimesh_trace", default=None)


def new_trace_id() -> str:
    """Return the id of a new trace: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def new_span_id() -> str:
    """Return the id of a new span: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def headers_of(record: AgentMessage | DetailedError, agent: str) -> list[tuple[str, bytes]]:
    """Return a record's headers: trace context, and CloudEvents attributes in binary mode."""
    is_message = isinstance(record, AgentMessage)
    headers = {
        trace.HEADER: trace.traceparent(
            record.trace_id or new_trace_id(), record.span_id or new_span_id()
        ),
        "ce_specversion": "1.0",
        "ce_id": record.message_id if isinstance(record, AgentMessage) else record.error_id,
        "ce_source": f"/{agent}",
        "ce_type": f"aimesh.agent.{'message' if is_message else 'error'}",
        "ce_time": record.timestamp,
        "content-type": "application/json",
    }
    return [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]


def place_of(origin: AgentMessage | Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Place | None:
    """Return the place that a message, or a Kafka message's headers, belong to."""
    if isinstance(origin, AgentMessage):
        return Place(origin.trace_id, origin.span_id or "") if origin.trace_id else None
    pairs = origin.items() if isinstance(origin, Mapping) else origin
    # those of HTTP are in any case
    found = trace.place_in((name.lower(), value) for name, value in pairs)
    return Place(*found) if found else None
