"""Which records of the mesh's topics are part of the feed: those that are what they say they are.

Anybody can write to a topic. What is no record of its kind is left out here, once, so that nobody
who reads the feed meets a text where a number must be. A stage makes a dead letter of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimesh.codec import mismatch
from aimesh.core.feed import kind_of
from aimesh.core.moments import time_in
from aimesh.core.numbers import is_number
from aimesh.records import BY_KIND

# what names a thing of the governor's topic, and which of its fields are times where they are not
# empty
_NAMES = {"lag": ("role", "topic", "group"), "stage": ("role", "worker"), "decision": ("state",)}
_TIMES = ("ts", "since", "waiting_since")


def kind_in(channel: str, data: Any) -> tuple[str | None, str]:
    """Return the kind of a record of the feed, None for one that is no part of it, and why.

    Arguments:
        channel: what its topic carries: a kind, or ``governor`` where the record says it itself.
        data: the message's value, decoded.
    """
    if not isinstance(data, dict):
        return None, f"not a JSON object but {type(data).__name__}"
    kind = kind_of(channel, data)
    if kind is None:
        return None, "of no kind that is known"
    record = BY_KIND.get(kind)
    problem = "" if record is None else mismatch(record, data)
    if not problem and kind in _NAMES:
        problem = _governed(kind, data)
    return (None, problem) if problem else (kind, "")


def _governed(kind: str, data: Mapping[str, Any]) -> str:
    """Say what is wrong with a record of the governor's topic beyond the types of its fields."""
    for name in _NAMES[kind]:
        if not data.get(name):
            return f"field {name!r} is missing"
    for name in _TIMES:
        if data.get(name) and time_in(data[name]) is None:
            return f"field {name!r} is {data[name][:50]!r}, it takes an RFC 3339 time"
    if not all(map(is_number, (data.get("counts") or {}).values())):
        return "field 'counts' must hold numbers"
    if not all(map(_is_service, data.get("services") or ())):
        return "field 'services' must hold objects with name, ok, since, reason and remedy"
    return ""


def _is_service(value: Any) -> bool:
    if not isinstance(value, dict) or not value.get("name"):
        return False
    texts = all(isinstance(value.get(part, ""), str) for part in ("name", "reason", "remedy"))
    is_dated = not value.get("since") or time_in(value["since"]) is not None
    return texts and is_dated and value.get("ok") in (True, False, None)
