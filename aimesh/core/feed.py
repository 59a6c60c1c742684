"""The feed: everything that happens in the mesh, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KINDS = (
    "task",
    "solution",
    "verdict",
    "review",
    "line",
    "lag",
    "decision",
    "stage",
    "dead_letter",
)

# the kinds of the governor's topic
GOVERNED = ("lag", "decision", "stage")


@dataclass(frozen=True)
class FeedEvent:
    """One thing that happened, with where it is in the log.

    ``at`` is the RFC 3339 time of the message; ``topic``, ``partition`` and ``offset`` say where
    it can be read in full; ``data`` is the record.
    """

    kind: str
    at: str
    topic: str
    partition: int
    offset: int
    key: str
    data: Mapping[str, Any]

    @property
    def origin(self) -> str:
        """The topic partition that the event was read from, in a word."""
        return f"{self.topic}-{self.partition}"

    def stored(self) -> dict[str, Any]:
        """Return the event as it is written to the feed."""
        return asdict(self)

    @classmethod
    def restored(cls, data: Mapping[str, Any]) -> FeedEvent:
        """Return the event that `stored` described; fields of newer versions are ignored."""
        return cls(**{name: data[name] for name in cls.__dataclass_fields__})


def kind_of(channel: str, data: Mapping[str, Any]) -> str | None:
    """Return the kind of a record, None for one that is no part of the feed.

    Arguments:
        channel: what its topic carries: a kind, or ``governor`` where the record says it itself.
        data: the record.
    """
    if channel == "governor":
        kind = data.get("type")
        return kind if kind in GOVERNED else None
    return channel if channel in KINDS else None
