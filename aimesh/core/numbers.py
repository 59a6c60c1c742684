"""Numbers that came from others, which can be calculated with."""

from __future__ import annotations

from typing import Any

# what all programs read alike (RFC 7493), and sums of such numbers can still be written
MOST = 2**53


def is_number(value: Any) -> bool:
    """Tell whether something is a number that all programs read alike; a truth value is none."""
    return type(value) in (int, float) and abs(value) <= MOST
