"""Makes text out of bytes that nobody trusts."""

from __future__ import annotations

import re

# control characters but tab and newline, and those that reorder text on a screen
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def readable(data: bytes) -> str:
    """Decode output so that it can be shown anywhere: what could act on a screen is spelled out."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    return _HARMFUL.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
