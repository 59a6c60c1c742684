"""What the hub keeps of the feed's messages, and what a client gets of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson
from aiokafka import ConsumerRecord

from aimesh.records import now

GAP = "gap"
# told all the time: the past of these says little, and there is much of it
FREQUENT = frozenset({"lag", "decision", "stage", "line"})
_KIND = re.compile(r"[a-z_]{1,32}")
_LINE_BREAKS = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event as a client gets it.

    ``id`` names the position after it, from which a client can go on; ``data`` is one line of JSON.
    """

    id: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the feed. ``kind`` is empty where the message cannot be read."""

    partition: int
    offset: int
    kind: str
    task_id: str
    data: bytes

    @property
    def size(self) -> int:
        """About how many bytes the entry takes."""
        return len(self.data) + 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for: these kinds (None: all) of this task (None: any)."""

    kinds: frozenset[str] | None = None
    task_id: str | None = None

    def admits(self, entry: Entry) -> bool:
        """Tell whether the client wants an entry."""
        if not entry.kind or (self.kinds is not None and entry.kind not in self.kinds):
            return False
        return self.task_id is None or entry.task_id == self.task_id


def entry_of(message: ConsumerRecord[bytes, bytes]) -> Entry:
    """Return the entry of a message of the feed, whatever is in it."""
    value = message.value or b""
    try:
        event = orjson.loads(value)
        kind, task_id = event["kind"], event["data"].get("task_id") or ""
    except (ValueError, KeyError, TypeError, AttributeError):
        kind = task_id = ""
    if not isinstance(kind, str) or not _KIND.fullmatch(kind) or kind == GAP:
        return Entry(message.partition, message.offset, "", "", b"")
    if _LINE_BREAKS.search(value):
        value = orjson.dumps(event)
    return Entry(message.partition, message.offset, kind, str(task_id), value)


def gap(place: str, missed: int | None, reason: str) -> StreamEvent:
    """Return the event that tells a client what it did not get.

    Arguments:
        place: the id of the position from which the stream goes on.
        missed: how many messages of the feed, of any kind, were left out; None where unknown.
        reason: why, in a sentence.
    """
    data = {"kind": GAP, "at": now(), "data": {"missed": missed, "reason": reason}}
    return StreamEvent(place, GAP, orjson.dumps(data))
