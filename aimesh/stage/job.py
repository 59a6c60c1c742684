"""What a stage keeps of a piece of work, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import faust

from aimesh import codec

REPLAY_HEADER = "replay_count"
CARRIED_HEADERS = ("traceparent", REPLAY_HEADER)
MOST_HEADER_CHARS = 1024


class Rejected(Exception):
    """Raised by ``admit`` or ``work``: this can never be worked on; it becomes a dead letter."""


class Skipped(Exception):
    """Raised by ``admit`` or ``work``: there is nothing to do for this message."""


@dataclass(frozen=True)
class Job:
    """A piece of work that a stage has taken on: durable from before its source is acknowledged."""

    task_id: str
    attempt: int
    topic: str
    partition: int
    offset: int
    value: str
    headers: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    restarts: int = 0
    opened_at: float = field(default_factory=time.time)

    @cached_property
    def key(self) -> str:
        """What the job is known by: a redelivery has the same, the next attempt another."""
        replay = self.headers.get(REPLAY_HEADER, "")
        return f"{self.task_id}#{self.attempt}" + (f"#r{replay}" if replay else "")

    def taken_over(self, owner: str) -> Job:
        """Return the job as its next owner keeps it."""
        return replace(self, owner=owner, restarts=self.restarts + 1)

    def stored(self) -> dict[str, Any]:
        """Return the job as it is written to the table of open jobs."""
        # not asdict, which copies every value that there is
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def restored(cls, data: Mapping[str, Any]) -> Job:
        """Return the job that `stored` described; fields of newer versions are ignored.

        Raises:
            TypeError: a field is missing.
        """
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


_FIELDS = tuple(one.name for one in fields(Job))


@dataclass(frozen=True)
class Send:
    """A message that a job's work wants sent: a record, or ready text."""

    topic: str
    value: faust.Record | str
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """Return the message as it is recorded in a result.

        Raises:
            ValueError, TypeError: the record cannot be written as JSON.
        """
        text = self.value if isinstance(self.value, str) else codec.dumps(self.value).decode()
        return {"topic": self.topic, "key": self.key, "text": text, "headers": dict(self.headers)}


def carried(headers: Any) -> dict[str, str]:
    """Return those headers of a message that its whole task carries on."""
    return {name: text for name, text in texts_of(headers).items() if name in CARRIED_HEADERS}


def texts_of(headers: Any) -> dict[str, str]:
    """Return a message's headers as text, each cut to what a header is meant for."""
    pairs: Iterable[tuple[str, Any]] = (
        headers.items() if isinstance(headers, Mapping) else headers or ()
    )
    found = {}
    for name, value in pairs:
        if value is not None:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            found[name[:MOST_HEADER_CHARS]] = text[:MOST_HEADER_CHARS]
    return found
