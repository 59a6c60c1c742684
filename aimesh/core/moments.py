"""Times as numbers, dates and text, whatever somebody wrote into a message."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# what a date can be: the years 1 to 9999
EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_799.0


def moment_of(seconds: float | None) -> datetime:
    """Return a Unix time as a date; one that no date can be becomes the nearest that can.

    Arguments:
        seconds: None where a message has no time, which then is 1970.
    """
    return datetime.fromtimestamp(_possible(seconds), UTC)


def _possible(seconds: float | None) -> float:
    number = seconds or 0.0
    if number != number:  # not a number
        number = 0.0
    return min(LATEST, max(EARLIEST, number))


def time_text(seconds: float | None) -> str:
    """Return a Unix time as `rfc3339` does its date; long lists have thousands of them."""
    if not (seconds and EARLIEST <= seconds <= LATEST):
        seconds = _possible(seconds)
    second, micros = divmod(round(seconds * 1e6), 1_000_000)
    return f"{_second_text(second)}.{micros // 1000:03}Z"


@lru_cache(maxsize=1024)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")


def rfc3339(moment: datetime) -> str:
    """Return a time as every record carries it: UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_in(text: str) -> datetime:
    """Return the date that an RFC 3339 time tells; one without a zone is in UTC.

    Raises:
        ValueError: it is no such time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def time_in(text: Any) -> str | None:
    """Return an RFC 3339 time as every record carries it, None where something is no such time."""
    try:
        return rfc3339(moment_in(text)) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def seconds_of(text: str) -> float:
    """Return the Unix time of an RFC 3339 time; one without a zone is in UTC.

    Raises:
        ValueError: it is no such time.
    """
    return moment_in(text).timestamp()
