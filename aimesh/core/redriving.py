"""Whether a dead letter may be sent back to where it came from, without going in circles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

LIMIT = 3
# its stage only remembers: sent back, the same message would be reviewed a second time
REMEMBERING = "memory"


@dataclass(frozen=True)
class Origin:
    """Where a dead letter's message stood: topic, partition, offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True)
class Redrive:
    """A dead letter that was sent back: its id, where its message stood, as which replay it was
    sent, where to and when (RFC 3339)."""

    id: str
    origin: str
    replay_count: int
    to: str
    at: str


def refusal(
    *,
    origin: Origin | None,
    role: str,
    replay_count: int,
    redriven: Redrive | None,
    topics: Collection[str],
    limit: int,
    force: bool,
) -> str:
    """Say why a dead letter is not sent back; empty where it may be.

    Arguments:
        origin: where it came from, None where it does not say so.
        role: whose job it was, empty where it never became one.
        replay_count: how often it was sent back before it died this time.
        redriven: how its message was sent back already, None where it was not.
        topics: those that messages may be sent back to.
        limit: the most times that a message is sent back.
        force: send it back all the same, where that does no harm to others.
    """
    if origin is None:
        return "it does not say where it came from"
    if origin.topic not in topics:
        return f"{origin.topic} is no topic of tasks, and no agent's queue that there is"
    if redriven is not None:
        return f"it was sent back at {redriven.at} already, as {redriven.to}"
    if force:
        return ""
    if role == REMEMBERING:
        return "only its memory is missing, and sent back it would be reviewed again"
    if replay_count >= limit:
        return f"it died again after it was sent back {replay_count} times, the limit is {limit}"
    return ""
