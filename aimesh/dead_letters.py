"""Dead letters: what can never be worked on, kept with where it came from and why.

The headers have the names that Spring for Apache Kafka gave them, which other tools know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aimesh.core.redriving import Origin

PREFIX = "kafka_dlt-"
REPLAY_COUNT = "replay_count"
# how many bytes the message had, on a letter that was cut to what the broker takes
CUT_FROM = "aimesh_cut_from"
# the error's type of a message that was refused before it became a job
REJECTED = "Rejected"
# of a number in them; Python refuses to read numbers of thousands of them
MOST_DIGITS = 20


def headers(
    *,
    topic: str,
    partition: int,
    offset: int,
    timestamp: float | None,
    error_type: str,
    error: str,
    carried: Mapping[str, str],
) -> dict[str, str]:
    """Return the headers of a dead letter.

    Arguments:
        topic, partition, offset: where the message was read.
        timestamp: the message's own time, a Unix time in seconds.
        error_type: the class of what went wrong.
        error: what went wrong, in words.
        carried: headers of the message that go on with it (trace, replay count).
    """
    return {
        **carried,
        PREFIX + "original-topic": topic,
        PREFIX + "original-partition": str(partition),
        PREFIX + "original-offset": str(offset),
        PREFIX + "original-timestamp": _time(timestamp),
        PREFIX + "exception-fqcn": error_type,
        PREFIX + "exception-message": error[:2000],
        REPLAY_COUNT: carried.get(REPLAY_COUNT, "0"),
    }


@dataclass(frozen=True)
class ErrorContext:
    """What a dead letter's headers tell, as they have it: anybody may write to its topic.

    ``topic``, ``partition`` and ``offset`` are where its message stood, ``written_at`` is the
    message's own time, ``error`` what went wrong in words, ``replay_count`` how often it was sent
    back before. What they do not tell is empty.
    """

    topic: str
    partition: str
    offset: str
    written_at: str
    error_type: str
    error: str
    replay_count: int

    @property
    def origin(self) -> Origin | None:
        """Where its message stood, None where no place is told."""
        partition, offset = _number(self.partition), _number(self.offset)
        if not self.topic or partition is None or offset is None:
            return None
        return Origin(self.topic, partition, offset)

    @property
    def rejected(self) -> bool:
        """Whether its message was refused before it became a job."""
        return self.error_type == REJECTED


def _number(text: str) -> int | None:
    is_one = len(text) < MOST_DIGITS and text.isascii() and text.isdecimal()
    return int(text) if is_one else None


def context_of(found: Iterable[tuple[str, bytes | None]] | None) -> ErrorContext:
    """Return what the headers of a dead letter tell.

    Arguments:
        found: names and values, as Kafka's clients have them.
    """
    texts = {name: (value or b"").decode("utf-8", "replace") for name, value in found or ()}
    return ErrorContext(
        topic=texts.get(PREFIX + "original-topic", ""),
        partition=texts.get(PREFIX + "original-partition", ""),
        offset=texts.get(PREFIX + "original-offset", ""),
        written_at=texts.get(PREFIX + "original-timestamp", ""),
        error_type=texts.get(PREFIX + "exception-fqcn", ""),
        error=texts.get(PREFIX + "exception-message", ""),
        replay_count=_number(texts.get(REPLAY_COUNT, "")) or 0,
    )


def _time(timestamp: float | None) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat() if timestamp else ""
    except (OverflowError, ValueError, OSError):
        return ""  # a program may put any number there
