"""Times as text, whatever number somebody wrote into a message."""

from __future__ import annotations

from datetime import UTC, datetime

# what a date can be: the years 1 to 9999
EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_799.0


def moment_of(seconds: float | None) -> datetime:
    """Return a Unix time as a date; one that no date can be becomes the nearest that can.

    Arguments:
        seconds: None where a message has no time, which then is 1970.
    """
    number = seconds or 0.0
    if number != number:  # not a number
        number = 0.0
    return datetime.fromtimestamp(min(LATEST, max(EARLIEST, number)), UTC)


def time_text(seconds: float | None) -> str:
    """Return a Unix time as RFC 3339, with milliseconds."""
    return moment_of(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
