"""Times as records carry them."""

from __future__ import annotations

from typing import Any

from aimesh.core.moments import seconds_of


def when(text: Any) -> float:
    """Return the Unix time of an RFC 3339 time, 0 where it is none."""
    try:
        return seconds_of(str(text)) if text else 0.0
    except ValueError:
        return 0.0


def age_of(at: float, text: Any) -> float | None:
    """Return how many seconds ago a time was, None where there is none."""
    found = when(text)
    return max(0.0, at - found) if found else None
