"""What the mesh's topics tell of a task, reduced to what its trace needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimesh.core import trace
from aimesh.core.moments import time_in
from aimesh.core.numbers import is_number

MOST_TEXT = 400

Event = dict[str, Any]

_FIELDS = {
    "task": ("task", "source", "created_at"),
    "solution": ("model", "input_tokens", "output_tokens", "duration_s", "created_at"),
    "verdict": (
        "verdict",
        "success",
        "final",
        "reason",
        "error",
        "wall_s",
        "cpu_s",
        "max_rss_bytes",
        "exit_code",
    ),
    "review": (
        "success",
        "model",
        "input_tokens",
        "output_tokens",
        "duration_s",
        "attempts",
        "created_at",
    ),
    "dead_letter": ("error", "error_type", "topic", "origin"),
}
# what a diagnosis refers to, so that it can be read in full
_LOCATED = ("verdict", "dead_letter")
# what is calculated with, whatever somebody wrote into a line; records have fields of known types
_NUMBERS = ("duration_s", "tries")
_LINE_FIELDS = ("duration_s", "tries", "error", "error_type", "step", "of", "what")
STARTS = ("started", "restarted")
ENDS = ("done", "dead")
STEP_STARTED, STEP_ENDED = "step_started", "step_ended"
STEPS = (STEP_STARTED, STEP_ENDED)


def mesh_event(
    kind: str, data: Mapping[str, Any], at: str, header: tuple[str, str] | None, ref: str
) -> Event | None:
    """Return what a record of the mesh tells of its task, None where that is nothing.

    Arguments:
        kind: what the record's topic carries.
        data: the record.
        at: when it was written, RFC 3339.
        header: the ids of trace and span that came with it, if any.
        ref: where it can be read, as topic/partition/offset.
    """
    task_id = data.get("task_id")
    if not isinstance(task_id, str) or not task_id:
        return None
    if kind == "line":
        return _of_line(task_id, data, at)
    fields = _FIELDS.get(kind)
    if fields is None:
        return None
    found = _kept(data, fields)
    if kind == "solution" and isinstance(data.get("memories"), list):
        found["memories"] = len(data["memories"])
    return {
        "kind": kind,
        "at": at,
        "task_id": task_id,
        "trace_id": header[0] if header else "",
        "attempt": _attempt(data),
        "data": found,
    } | ({"ref": ref} if kind in _LOCATED else {})


def default_trace(task_id: str) -> str:
    """Return the trace of a task of which no header was seen."""
    return trace.trace_id(task_id)


def _of_line(task_id: str, data: Mapping[str, Any], at: str) -> Event | None:
    name, more = data.get("name"), data.get("data")
    if data.get("type") != "event" or name not in (*STARTS, *ENDS, *STEPS):
        return None
    more = more if isinstance(more, Mapping) else {}
    return {
        "kind": str(name),
        "at": time_in(data.get("ts")) or at,
        "task_id": task_id,
        "trace_id": "",
        "attempt": _attempt(more),
        "agent": str(data.get("agent", ""))[:MOST_TEXT],
        "data": {name: value for name, value in _kept(more, _LINE_FIELDS).items() if value},
    }


def _kept(data: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = ((name, _part(name, data.get(name))) for name in names)
    return {name: value for name, value in found if value is not None}


def _part(name: str, value: Any) -> Any:
    """Return a field as it is read later, None where it is missing or no such thing."""
    if name in _NUMBERS:
        return value if is_number(value) else None
    if name == "created_at":
        return time_in(value)
    return None if value is None else _short(value)


def _attempt(data: Mapping[str, Any]) -> int:
    value = data.get("attempt")
    return value if type(value) is int and value > 0 else 1


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MOST_TEXT]
    return value if isinstance(value, bool | int | float) else str(value)[:MOST_TEXT]
