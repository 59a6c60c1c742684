"""A dead letter as it is read from its topic, and what came of sending it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimesh import codec, dead_letters
from aimesh.core.hexdump import hex_dump
from aimesh.core.identity import derived_id
from aimesh.core.moments import time_text
from aimesh.core.redriving import Origin, Redrive
from aimesh.core.telemetry import QUEUE_PREFIX
from aimesh.core.text import cut, printable
from aimesh.services.reading import Record, header

MOST_SHOWN = 64 << 10
MOST_DUMPED = 4 << 10
PREVIEW = 200


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter with its original bytes.

    ``id`` is its partition and offset; ``role`` is whose job it was, empty where it was refused
    before it became one; ``size`` is that of the whole value in bytes, of which ``value`` may be
    the beginning alone; ``redriven`` tells how its message was sent back.
    """

    id: str
    at: str
    task_id: str
    origin: Origin | None
    origin_at: str
    error_type: str
    error: str
    role: str
    replay_count: int
    key: bytes | None
    size: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    redriven: Redrive | None = None

    def summary(self) -> dict[str, Any]:
        """Return what a list shows of it."""
        return {
            "id": self.id,
            "at": self.at,
            "task_id": self.task_id,
            "origin": str(self.origin) if self.origin else "",
            "origin_at": self.origin_at,
            "error_type": self.error_type,
            "error": printable(self.error),
            "role": self.role,
            "replay_count": self.replay_count,
            "size": self.size,
            "preview": cut(printable(self.value[:PREVIEW].decode("utf-8", "replace")), PREVIEW),
            "redriven": self.redriven and {"to": self.redriven.to, "at": self.redriven.at},
        }

    def whole(self) -> dict[str, Any]:
        """Return all of it: the value as text and in hexadecimal digits, and its headers."""
        key = None if self.key is None else printable(self.key.decode("utf-8", "replace"))
        shown = self.value[:MOST_SHOWN].decode("utf-8", "replace")
        return {
            **self.summary(),
            "key": key,
            "headers": {n: printable(v.decode("utf-8", "replace")) for n, v in self.headers},
            "text": printable(shown),
            "hex": hex_dump(self.value, MOST_DUMPED),
            "shown": min(len(self.value), MOST_SHOWN),
        }


@dataclass(frozen=True)
class Redriven:
    """What came of sending a dead letter back: where it went, or why it did not."""

    id: str
    task_id: str
    replay_count: int
    to: str = ""
    refusal: str = ""


def letter_of(
    record: Record, app_prefix: str, redrives: Mapping[str, Redrive], most: int | None = None
) -> DeadLetter:
    """Return the dead letter that a message is.

    Arguments:
        record: a message of the dead letters' topic.
        app_prefix: what the names of the mesh's applications begin with, before the role.
        redrives: the messages that were sent back, by origin: two stages may bury the same one.
        most: how many bytes of the value are kept; all when left out.
    """
    letter_id = f"{record.partition}-{record.offset}"
    told, value = dead_letters.context_of(record.headers), record.value or b""
    origin = told.origin
    return DeadLetter(
        id=letter_id,
        at=time_text(record.timestamp / 1000),
        task_id=_task_id(record, origin, value),
        origin=origin,
        origin_at=told.written_at,
        error_type=told.error_type,
        error=told.error,
        role=header(record, "ce_source").removeprefix("/" + app_prefix),
        replay_count=told.replay_count,
        key=record.key,
        size=len(value),
        value=value[:most],
        headers=tuple((name, text or b"") for name, text in record.headers or ()),
        redriven=redrives.get(str(origin)),
    )


def redrive_of(record: Record) -> Redrive | None:
    """Return what a message tells of a letter that was sent back, None for any other message."""
    try:
        return Redrive(**codec.loads(record.value or b""))
    except (ValueError, TypeError):
        return None


def _task_id(record: Record, origin: Origin | None, value: bytes) -> str:
    """Return the id of the letter's task: its own, its key, or what its place makes it.

    In agents' queues a message's id is that of its task, and its key is the agent that it is for.
    """
    in_queue = origin is not None and QUEUE_PREFIX in origin.topic
    try:
        data = codec.loads(value)
    except ValueError:
        data = None
    known = data if isinstance(data, dict) else {}
    own = known.get("task_id") or (known.get("message_id") if in_queue else None)
    if isinstance(own, str) and own:
        return own
    if record.key and not in_queue:
        return printable(record.key.decode("utf-8", "replace"))
    return derived_id(origin.topic, origin.partition, origin.offset) if origin else ""
