"""The two records by which any agent on Kafka can be observed: its messages and its errors.

Agents that are no part of the mesh write them too, so reading is strict about what a field means
and lenient about what is left out: a record without an id or a time gets those of its message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self

from aimesh.core.moments import moment_in, rfc3339
from aimesh.errors import InvalidRecordError

QUEUE_PREFIX = "agent-queue-"
ERRORS_TOPIC = "agent-telemetry-errors"

MESSAGE_TYPES = ("task", "result", "error", "heartbeat", "cancel")
PRIORITIES = ("low", "normal", "high", "critical")
SEVERITIES = ("critical", "error", "warning", "info")
CATEGORIES = (
    "llm_error",
    "agent_error",
    "tool_error",
    "handoff_error",
    "validation_error",
    "timeout_error",
    "resource_error",
    "network_error",
    "config_error",
    "unknown",
)

MOST_ID = 200
MOST_TTL = 1e9
_IDS = ("message_id", "error_id", "trace_id", "span_id", "parent_message_id")
_NEEDED = ("message_id", "error_id", "source_agent", "timestamp")
_CANONICAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_UNFIT = re.compile(r"[^a-z0-9._-]")
_CHOICES = {
    "message_type": MESSAGE_TYPES,
    "priority": PRIORITIES,
    "severity": SEVERITIES,
    "category": CATEGORIES,
}
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str,),
    "int | None": (int,),
    "float | None": (int, float),
    "bool": (bool,),
    "int": (int,),
    "dict[str, Any]": (dict,),
    "list[str]": (list,),
}


def queue_topic(agent: str, prefix: str = "") -> str:
    """Return the topic of an agent's queue; what a topic's name cannot have becomes ``-``."""
    return f"{prefix}{QUEUE_PREFIX}{_UNFIT.sub('-', agent.strip().lower())}"[:249]


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What both records share: reading them from JSON, and writing them."""

    @classmethod
    def read(cls, data: Mapping[str, Any], **defaults: Any) -> Self:
        """Return the record that a decoded JSON object holds; unknown fields are ignored.

        Arguments:
            data: the object. A field that is null counts as left out.
            defaults: values of fields that are left out.

        Raises:
            InvalidRecordError: names the field, what it has and what it takes.
        """
        return cls(**cls.checked(data, **defaults))

    @classmethod
    def checked(cls, data: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
        """Return what `read` would as a plain dictionary, every field present; raises the same."""
        values: dict[str, Any] = {}
        for name, kinds, choices, default in _schema(cls):
            value = data.get(name)
            if value is None:
                value = defaults.get(name, default)
                values[name] = value() if callable(value) else value
                continue
            # nearly all are of these very types; else a kind of them will do, but for truth values
            if type(value) not in kinds and (
                not isinstance(value, kinds) or isinstance(value, bool)
            ):
                wanted = " or ".join(kind.__name__ for kind in kinds)
                raise InvalidRecordError(
                    f"field {name!r} must be {wanted}, not {type(value).__name__}"
                )
            if choices and value not in choices:
                value = _choice(name, str(value), choices)
            values[name] = value
        return _bounded(values)

    def stored(self) -> dict[str, Any]:
        """Return the record as a plain dictionary, every field present."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, kw_only=True)
class AgentMessage(_Record):
    """A message in an agent's queue. ``ttl_seconds`` counts from ``timestamp``."""

    message_id: str
    source_agent: str
    target_agent: str = ""
    message_type: str = "task"
    priority: str = "normal"
    payload: dict[str, Any] = field(default_factory=dict)
    trace_id: str | None = None
    span_id: str | None = None
    parent_message_id: str | None = None
    reason: str | None = None
    timestamp: str
    ttl_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class DetailedError(_Record):
    """An error with what is needed to understand it, and what to do about it."""

    error_id: str
    severity: str = "error"
    category: str = "unknown"
    error_type: str = ""
    error_message: str = ""
    error_code: str | None = None
    stack_trace: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    agent_name: str = ""
    agent_id: str | None = None
    operation: str | None = None
    input_data: dict[str, Any] = field(default_factory=dict)
    partial_output: str | None = None
    model_name: str | None = None
    prompt_preview: str | None = None
    token_count: int | None = None
    tool_name: str | None = None
    tool_parameters: dict[str, Any] = field(default_factory=dict)
    timestamp: str
    duration_before_error_ms: float | None = None
    is_retryable: bool = False
    retry_count: int = 0
    max_retries: int | None = None
    suggested_fixes: list[str] = field(default_factory=list)
    related_docs: list[str] = field(default_factory=list)
    environment: str | None = None
    service_name: str | None = None
    host: str | None = None


_Field = tuple[str, tuple[type, ...], tuple[str, ...], Any]
_SCHEMAS: dict[type[_Record], tuple[_Field, ...]] = {}


def _schema(kind: type[_Record]) -> tuple[_Field, ...]:
    if kind not in _SCHEMAS:
        _SCHEMAS[kind] = tuple(
            (f.name, _KINDS[str(f.type)], _CHOICES.get(f.name, ()), _default(f))
            for f in fields(kind)
        )
    return _SCHEMAS[kind]


def _default(item: Field[Any]) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory
    return None if item.default is MISSING else item.default


def _choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value.lower() in choices:
        return value.lower()
    raise InvalidRecordError(f"field {name!r} is {value[:50]!r}, it takes {', '.join(choices)}")


def _bounded(values: dict[str, Any]) -> dict[str, Any]:
    for name in _IDS:
        if (text := values.get(name)) is not None and len(text) > MOST_ID:
            raise InvalidRecordError(f"field {name!r} has more than {MOST_ID} characters")
    for name in _NEEDED:
        if name in values and not values[name]:
            raise InvalidRecordError(f"field {name!r} is missing")
    text = values["timestamp"]
    try:
        moment = moment_in(text)
        if not _CANONICAL.fullmatch(text):
            values["timestamp"] = rfc3339(moment)
    except (ValueError, OverflowError) as exc:
        raise InvalidRecordError(
            f"field 'timestamp' is {text[:50]!r}, it takes an RFC 3339 time"
        ) from exc
    if (ttl := values.get("ttl_seconds")) is not None and not 0 <= ttl < MOST_TTL:
        raise InvalidRecordError(f"field 'ttl_seconds' is {ttl}, it takes 0 to {MOST_TTL:g}")
    return values
