"""What is kept of a message of any agent: the record, checked and bounded, or why it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from aimesh import dead_letters
from aimesh.core import trace
from aimesh.core.identity import derived_id
from aimesh.core.mesh_events import mesh_event
from aimesh.core.moments import moment_of, rfc3339
from aimesh.core.redaction import redact, redact_text
from aimesh.core.telemetry import ERRORS_TOPIC, QUEUE_PREFIX, AgentMessage, DetailedError
from aimesh.core.text import cut, printable
from aimesh.errors import InvalidRecordError
from aimesh.feeding import kind_in

MOST_PAYLOAD = 8 << 10
MOST_TEXT = 2 << 10
MOST_STACK = 16 << 10
MOST_LIST = 20
MOST_UNDECODABLE = 4 << 10

# the commonest secrets are never far from one of these; each costs every message half a microsecond
_HINTS = (
    b"sk-", b'token"', b"secret", b"passw", b"bearer ", b"akia", b"ghp_", b"github_pat", b"xox",
    b"eyj", b"authorization",
)  # fmt: skip
_KEYS = (b"_key", b"-key", b"apikey", b"private key")

# kind, topic, partition, offset, record
Entry = list[Any]


class Digester:
    """Turns messages into entries of the feed.

    Arguments:
        prefix: of all topics' names.
        channels: the mesh's own topics that are read, with what each carries.
    """

    def __init__(self, prefix: str, channels: Mapping[str, str]) -> None:
        self._queues = prefix + QUEUE_PREFIX
        self._errors = prefix + ERRORS_TOPIC
        self._channels = channels

    @property
    def pattern(self) -> str:
        """A regular expression that fits the names of all topics that are read."""
        names = "|".join(re.escape(name) for name in (self._errors, *self._channels))
        return rf"^(?:{re.escape(self._queues)}.+|{names})$"

    def entry(self, message: ConsumerRecord[bytes, bytes]) -> Entry | None:
        """Return what is kept of a message, None where that is nothing."""
        try:
            kind, record = self._read(message)
        except InvalidRecordError as exc:
            kind, record = "undecodable", _undecodable(message, str(exc))
        if record is None:
            return None
        return [kind, message.topic, message.partition, message.offset, record]

    def _read(self, message: ConsumerRecord[bytes, bytes]) -> tuple[str, dict[str, Any] | None]:
        topic, value = message.topic, message.value or b""
        header = trace.place_in(message.headers)
        channel = self._channels.get(topic)
        if channel is not None:
            return "event", _mesh_event(channel, message, header)
        try:
            data = orjson.loads(value)
        except ValueError as exc:
            raise InvalidRecordError(f"it is not JSON: {exc}") from exc
        if not isinstance(data, dict):
            raise InvalidRecordError(f"it is not a JSON object but {type(data).__name__}")
        defaults: dict[str, Any] = {"timestamp": lambda: rfc3339(_time(message))}
        if header is not None:
            defaults |= {"trace_id": header[0], "span_id": header[1]}
        name = derived_id(topic, message.partition, message.offset)
        place = _place(message)
        if topic == self._errors:
            agent = (message.key or b"").decode("utf-8", "replace") or "unknown"
            record = DetailedError.checked(data, error_id=name, agent_name=agent, **defaults)
            record["agent_name"] = record["agent_name"] or agent
            return "error", _safe_error(record, value) | {"ref": place}
        queue = topic.removeprefix(self._queues)
        record = AgentMessage.checked(data, message_id=name, target_agent=queue, **defaults)
        return "message", _safe_message(record, value) | {"ref": place, "queue": queue}


def _is_suspicious(value: bytes) -> bool:
    """Tell whether a message may have a secret in it: agents need not use our library."""
    text = value.lower()
    for hint in _HINTS:  # any() takes twice as long
        if hint in text:
            return True
    return b"key" in text and any(hint in text for hint in _KEYS)


def _safe_message(record: dict[str, Any], value: bytes) -> dict[str, Any]:
    said = record["payload"], record["reason"]
    if any(said) and _is_suspicious(value):
        record["payload"], record["reason"] = map(redact, said)
    if len(value) > MOST_TEXT:
        for name in ("reason", "source_agent", "target_agent"):
            if record[name]:
                record[name] = cut(record[name], MOST_TEXT)
        record["payload"] = _bounded(record["payload"])
    return record


def _safe_error(record: dict[str, Any], value: bytes) -> dict[str, Any]:
    if _is_suspicious(value):
        record = {name: redact(field) for name, field in record.items()}
    if len(value) > MOST_TEXT:
        for name, field in record.items():
            if isinstance(field, str):
                stack = name == "stack_trace"
                record[name] = cut(field, MOST_STACK if stack else MOST_TEXT, tail=0.75 * stack)
            elif isinstance(field, dict):
                record[name] = _bounded(field)
            elif isinstance(field, list):
                record[name] = [cut(str(item), MOST_TEXT) for item in field[:MOST_LIST]]
    return record


def _bounded(data: dict[str, Any]) -> dict[str, Any]:
    """Return an object as it is, or the beginning of its text where it is too large."""
    text = orjson.dumps(data)
    if len(text) <= MOST_PAYLOAD:
        return data
    return {"cut": cut(text.decode(), MOST_PAYLOAD // 2), "bytes": len(text)}


def _mesh_event(
    channel: str, message: ConsumerRecord[bytes, bytes], header: tuple[str, str] | None
) -> dict[str, Any] | None:
    if channel == "dead_letter":
        data = _dead_letter(message)
    else:
        try:
            data = orjson.loads(message.value or b"")
        except ValueError:
            return None  # whoever reads that topic makes a dead letter of it
        if kind_in(channel, data)[0] is None:
            return None
        if channel == "task" and not data.get("task_id"):
            data["task_id"] = derived_id(message.topic, message.partition, message.offset)
    event = mesh_event(channel, data, rfc3339(_time(message)), header, _place(message))
    if event is not None and _is_suspicious(message.value or b""):
        event["data"] = redact(event["data"])
    return event


def _dead_letter(message: ConsumerRecord[bytes, bytes]) -> dict[str, Any]:
    told = dead_letters.context_of(message.headers)
    place = (told.topic, told.partition, told.offset)
    key = (message.key or b"").decode("utf-8", "replace")
    return {
        "task_id": key or derived_id(*place),
        "topic": told.topic,
        "origin": "/".join(place) if told.topic else None,
        "error": told.error,
        "error_type": told.error_type,
    }


def _undecodable(message: ConsumerRecord[bytes, bytes], reason: str) -> dict[str, Any]:
    text = (message.value or b"")[: 2 * MOST_UNDECODABLE].decode("utf-8", "replace")
    return {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "at": rfc3339(_time(message)),
        "reason": cut(reason, MOST_TEXT),
        "bytes": len(message.value or b""),
        "text": cut(redact_text(printable(text)), MOST_UNDECODABLE),
    }


def _place(message: ConsumerRecord[bytes, bytes]) -> str:
    return f"{message.topic}/{message.partition}/{message.offset}"


def _time(message: ConsumerRecord[bytes, bytes]) -> datetime:
    return moment_of(max(0, message.timestamp or 0) / 1000)
