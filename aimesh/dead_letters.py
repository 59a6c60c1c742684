"""Dead letters: what can never be worked on, kept with where it came from and why.

The headers have the names that Spring for Apache Kafka gave them, which other tools know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

PREFIX = "kafka_dlt-"
REPLAY_COUNT = "replay_count"
# how many bytes the message had, on a letter that was cut to what the broker takes
CUT_FROM = "aimesh_cut_from"


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


def _time(timestamp: float | None) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat() if timestamp else ""
    except (OverflowError, ValueError, OSError):
        return ""  # a program may put any number there
