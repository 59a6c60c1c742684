"""Spans as OpenTelemetry has them: its names for models, agents, tools and messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimesh.core import trace
from aimesh.core.moments import seconds_of
from aimesh.core.spans import CANCELLED, FAILED, Span
from aimesh.core.telemetry import queue_topic

PROVIDER = "ollama"
WORKFLOW = "aimesh"
MOST_TEXT = 2000
_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN = re.compile(r"(?!0{16})[0-9a-f]{16}")
# of the mesh's own stages: the topic that each reads
TOPICS = {
    "consumer": "ai_topic",
    "sandbox": "ai_solutions",
    "reviewer": "ai_verified_solutions",
    "memory": "ai_verified_solutions",
    "persistence": "ai_reviews",
    "producer": "ai_governor",
}


@dataclass(frozen=True)
class ExportEvent:
    """Something that happened within a span, at a Unix time in nanoseconds."""

    name: str
    at_ns: int
    attributes: Mapping[str, Any]


@dataclass
class ExportSpan:
    """A span to be exported: ids as numbers, times as Unix nanoseconds.

    ``kind`` is INTERNAL, CLIENT or CONSUMER.
    """

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    kind: str
    start_ns: int
    end_ns: int
    failed: bool
    description: str
    attributes: dict[str, Any]
    events: list[ExportEvent] = field(default_factory=list)


def trace_number(trace_id: str) -> int:
    """Return a trace's id as a number; one that is no such id gives one that is always the same."""
    text = trace_id.lower()
    return int(text if _TRACE.fullmatch(text) else trace.trace_id(trace_id), 16)


def span_number(span_id: str) -> int:
    """Return a span's id as a number, like `trace_number`."""
    text = span_id.lower()
    return int(text if _SPAN.fullmatch(text) else trace.span_id(span_id), 16)


def exported(
    trace_id: str, spans: Iterable[Span], errors: Iterable[Mapping[str, Any]], prefix: str = ""
) -> list[ExportSpan]:
    """Return the spans of a trace that have ended, the root first, with its errors as events.

    Arguments:
        trace_id: the trace.
        spans: as the tables tell them; one that has not ended is left out.
        errors: of the trace, each a `DetailedError`.
        prefix: of all topics' names.
    """
    known = list(spans)
    ended = [span for span in known if span.end is not None]
    found = {span.span_id: _exported(trace_id, span, prefix) for span in ended}
    for error in errors:
        target = found.get(str(error.get("span_id") or "")) or next(iter(found.values()), None)
        if target is not None:
            target.events.append(_event(error))
    return list(found.values())


def _exported(trace_id: str, span: Span, prefix: str) -> ExportSpan:
    failed = span.status in (FAILED, CANCELLED)
    attributes = _attributes(span, prefix)
    error = str(span.attributes.get("error") or "")
    if failed:
        attributes.setdefault("error.type", _error_type(span))
    return ExportSpan(
        trace_id=trace_number(trace_id),
        span_id=span_number(span.span_id),
        parent_id=span_number(span.parent) if span.parent else None,
        name="invoke_workflow " + WORKFLOW if span.kind == "task" else span.name,
        kind=_kind(span),
        start_ns=_ns(span.start),
        end_ns=_ns(max(span.start, span.end or span.start)),
        failed=failed,
        description=error[:MOST_TEXT],
        attributes={k: v for k, v in attributes.items() if v not in (None, "")},
    )


def _kind(span: Span) -> str:
    if span.kind in ("model", "memory"):
        return "CLIENT"
    # what an agent does for a message that it read
    return "CONSUMER" if span.kind == "agent" and _topic(span, "") else "INTERNAL"


def _attributes(span: Span, prefix: str) -> dict[str, Any]:
    known = {k: _plain(v) for k, v in span.attributes.items() if k not in ("name", "error")}
    found = {k if "." in k else f"aimesh.{k}": v for k, v in known.items()}
    if span.agent:
        found.setdefault("gen_ai.agent.name", span.agent)
    if span.kind == "task":
        found |= {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": WORKFLOW}
    elif span.kind == "model":
        found.setdefault("gen_ai.operation.name", "chat")
        found.setdefault("gen_ai.provider.name", PROVIDER)
    elif span.kind == "tool":
        found.setdefault("gen_ai.operation.name", "execute_tool")
    if topic := _topic(span, prefix):
        found |= {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.message.id": span.attributes.get("message_id"),
        }
    return found


def _topic(span: Span, prefix: str) -> str:
    """Return the topic of the message that an agent worked on, empty where there is none."""
    if span.kind != "agent":
        return ""
    if span.attributes.get("message_id"):
        return queue_topic(span.agent, prefix)
    topic = TOPICS.get(span.agent, "")
    return prefix + topic if topic else ""


def _error_type(span: Span) -> str:
    if span.status == CANCELLED:
        return "cancelled"
    return str(span.attributes.get("verdict") or "_OTHER")


def _event(error: Mapping[str, Any]) -> ExportEvent:
    attributes = {
        "exception.type": error.get("error_type"),
        "exception.message": str(error.get("error_message") or "")[:MOST_TEXT],
        "exception.stacktrace": error.get("stack_trace"),
        "aimesh.error_id": error.get("error_id"),
        "aimesh.category": error.get("category"),
    }
    at = _ns(seconds_of(str(error["timestamp"])))
    return ExportEvent("exception", at, {k: v for k, v in attributes.items() if v})


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | str) or value is None:
        return value[:MOST_TEXT] if isinstance(value, str) else value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return str(value)[:MOST_TEXT]


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1000
