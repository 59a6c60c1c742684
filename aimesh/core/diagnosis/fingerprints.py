"""What makes two errors the same: their words without what differs from one time to the next."""

from __future__ import annotations

import hashlib
import re

MOST_TEXT = 2000
_VARYING = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.I), "ADDRESS"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.I), "ID"),
    (re.compile(r"(?<![\w.])(?:/[\w.@+-]+){2,}"), "PATH"),
    (re.compile(r"\d+(?:\.\d+)?"), "N"),
    (re.compile(r"\s+"), " "),
)


def essence(text: str) -> str:
    """Return a text without what differs each time: ids, times, addresses, paths, numbers."""
    text = text[:MOST_TEXT]
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text.strip()


def fingerprint(*parts: str) -> str:
    """Return sixteen hexadecimal digits that are the same for the same parts."""
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()
