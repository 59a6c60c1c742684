"""The shapes of what the API answers, as JSON Schemas; more keys may come with any version."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from aimesh.core.telemetry import (
    CATEGORIES,
    MESSAGE_TYPES,
    PRIORITIES,
    SEVERITIES,
    AgentMessage,
    DetailedError,
)
from aimesh.tables.telemetry.traces import STATUSES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {"type": "object"}
COUNTS: Schema = {"type": "object", "additionalProperties": COUNT}

_CHOICES = {
    "message_type": MESSAGE_TYPES,
    "priority": PRIORITIES,
    "severity": SEVERITIES,
    "category": CATEGORIES,
}
_KINDS: dict[str, Schema] = {
    "str": TEXT,
    "int": WHOLE,
    "float": NUMBER,
    "bool": FLAG,
    "dict[str, Any]": ANYTHING,
    "list[str]": {"type": "array", "items": TEXT},
}


def ref(name: str) -> Schema:
    """Return a reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(items: Schema) -> Schema:
    """Return the shape of a list."""
    return {"type": "array", "items": items}


def maybe(schema: Schema) -> Schema:
    """Return a shape that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(words: tuple[str, ...]) -> Schema:
    """Return the shape of a word out of some."""
    return {"type": "string", "enum": list(words)}


def shape(**keys: Schema) -> Schema:
    """Return the shape of an object that always has these keys, and may have more."""
    return {"type": "object", "required": list(keys), "properties": keys}


def _record(kind: type[AgentMessage] | type[DetailedError]) -> Schema:
    keys = {}
    for one in fields(kind):
        plain, _, null = str(one.type).partition(" | ")
        schema = TIME if one.name == "timestamp" else _KINDS[plain]
        if one.name in _CHOICES:
            schema = one_of(_CHOICES[one.name])
            if one.default is not MISSING:
                schema = {**schema, "default": one.default}
        keys[one.name] = maybe(schema) if null else schema
    return {**shape(**keys), "description": (kind.__doc__ or "").strip()}


NAMED: dict[str, Schema] = {
    "AgentMessage": _record(AgentMessage),
    "DetailedError": _record(DetailedError),
    "Queue": shape(
        agent_name=TEXT,
        queue_topic=TEXT,
        total_messages=COUNT,
        kept_messages=COUNT,
        pending_tasks=COUNT,
        pending=many(ref("AgentMessage")),
    ),
    "Agent": shape(
        agent_name=TEXT,
        first_seen=TIME,
        last_seen=maybe(TIME),
        heartbeat_at=maybe(TIME),
        sent=COUNTS,
        received=COUNTS,
        errors=COUNTS,
        worked=COUNTS,
        pending_tasks=COUNT,
    ),
    "Undecodable": shape(
        topic=TEXT, partition=COUNT, offset=COUNT, at=TIME, reason=TEXT, bytes=COUNT, text=TEXT
    ),
    "ErrorSummary": shape(
        total_errors=COUNT, by_severity=COUNTS, by_category=COUNTS, by_agent=COUNTS,
        dropped_errors=COUNT,
    ),
    "Trace": shape(
        trace_id=TEXT,
        name=TEXT,
        kind=one_of(("mesh", "agents", "errors")),
        status=one_of(STATUSES),
        start_time=TIME,
        end_time=maybe(TIME),
        duration_ms=maybe(NUMBER),
        message_count=COUNT,
        pending_tasks=COUNT,
        error_count=COUNT,
        total_tokens=COUNT,
        llm_calls=COUNT,
        session_id=maybe(TEXT),
        user_id=maybe(TEXT),
        task_id=maybe(TEXT),
    ),
    "Span": shape(
        span_id=TEXT,
        trace_id=TEXT,
        parent_span_id=maybe(TEXT),
        name=TEXT,
        kind=TEXT,
        agent_name=TEXT,
        status=TEXT,
        start_time=TIME,
        end_time=maybe(TIME),
        duration_ms=maybe(NUMBER),
        attributes=ANYTHING,
    ),
    "SpanMetric": shape(
        span_id=TEXT,
        trace_id=maybe(TEXT),
        name=TEXT,
        kind=TEXT,
        agent_name=TEXT,
        status=TEXT,
        start_time=TIME,
        end_time=maybe(TIME),
        duration_ms=maybe(NUMBER),
    ),
    "Handoff": shape(
        source_agent=TEXT,
        target_agent=TEXT,
        reason=maybe(TEXT),
        timestamp=TIME,
        message_id=TEXT,
        status=TEXT,
        duration_ms=maybe(NUMBER),
    ),
    "Event": shape(type=TEXT, timestamp=TIME),
    "Check": shape(name=TEXT, ok=FLAG, reason=TEXT, since=TEXT),
    "Service": shape(name=TEXT, ok=maybe(FLAG), since=TEXT, reason=TEXT, remedy=TEXT, needed=FLAG),
    "Task": shape(task_id=TEXT, attempts=ANYTHING, outcome=TEXT, updated_at=TEXT),
    "DeadLetter": shape(
        id=TEXT, at=TEXT, task_id=TEXT, origin=TEXT, error_type=TEXT, error=TEXT, size=COUNT
    ),
    "Problem": {
        **shape(type=TEXT, title=TEXT, status=WHOLE, detail=TEXT, instance=TEXT),
        "description": "What went wrong (RFC 9457); `errors` names a parameter and what it takes.",
    },
}  # fmt: skip
