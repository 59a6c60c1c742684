"""What kind of trouble a service is in, from what its callers were told."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Trouble:
    """A kind of trouble: a word, how it is called, and its category among errors."""

    kind: str
    title: str
    category: str


_TROUBLES = (
    ("model_missing", "lacks the model", "llm_error",
     r"\bmodel\b.{0,120}(?:not there|not found|does not exist|missing|try pulling)"),
    ("disk_full", "has no room left on its disk", "resource_error",
     r"no space left|disk (?:is )?full|ENOSPC|disk quota exceeded|\[Errno (?:28|122)\]"),
    ("rate_limited", "limits the rate of calls", "llm_error",
     r"\b429\b|rate.?limit|too many requests|quota|throttl|maximum pending|server busy"
     r"|overloaded"),
    ("locked", "is held by another process", "resource_error", r"another process holds|is locked"),
    ("slow", "is too slow", "timeout_error",
     r"no whole answer|no answer within|no embedding within|time.?out|timed out|stopped for"
     r"|deadline"),
    ("refused", "refuses the credentials", "config_error",
     r"\b40[13]\b|unauthori[sz]ed|forbidden|api key|authentication"),
    ("out_of_memory", "is out of memory", "resource_error",
     r"out of memory|cannot allocate|insufficient memory|\boom\b"),
    ("unreachable", "does not answer", "network_error",
     r"no answer from|connection|connect|refused|unreachable|name or service|no broker answers"
     r"|disconnected|reset by peer"),
)  # fmt: skip
_RULES = tuple(
    (Trouble(kind, title, category), re.compile(says, re.IGNORECASE | re.DOTALL))
    for kind, title, category, says in _TROUBLES
)
FAILING = Trouble("failing", "fails", "network_error")


def trouble_of(reason: str) -> Trouble:
    """Return the kind of trouble that a reason tells of; the most particular one that fits."""
    return next((trouble for trouble, says in _RULES if says.search(reason)), FAILING)
