"""A message's line in the ledger: what is known of it without reading its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from aimesh.core.message_facts import facts_of
from aimesh.core.moments import seconds_of
from aimesh.core.telemetry import PRIORITIES
from aimesh.tables.telemetry.tasks import ENDS


class Line(NamedTuple):
    """One line. It is stored as a list in this very order: a new field goes last, with a default.

    ``ordinal`` is the message's place in the order of everything. ``group`` is the number of its
    group, ``priority`` that of its priority. Times are in seconds since 1970: ``expires`` is 0
    where it never does. ``ends`` is the id of the task that it ends, empty for none. ``end`` says
    how the task that it is was ended before it came, at ``ended_at``. ``begins`` is 1 where it is
    the first of its trace.
    """

    ordinal: int
    group: int
    at: float
    expires: float
    name: str
    ends: str
    trace_id: str
    priority: int
    end: int
    ended_at: float
    begins: int
    tokens: int
    calls: int
    session: str
    user: str


def line_of(
    ordinal: int, group: int, record: Mapping[str, Any], known_end: tuple[int, float], begins: bool
) -> Line:
    """Return the line of a new message.

    Arguments:
        ordinal: its place in the order of everything.
        group: the number of its group.
        record: an `AgentMessage` with all its fields.
        known_end: how and when the task that it is was ended before it came; zeros for neither.
        begins: whether it is the first message of its trace.
    """
    at = seconds_of(record["timestamp"])
    ttl = record["ttl_seconds"]
    end, ended_at = known_end
    return Line(
        ordinal,
        group,
        at,
        at + ttl if ttl else 0,
        record["message_id"],
        _ended(record),
        record["trace_id"] or "",
        PRIORITIES.index(record["priority"]),
        end,
        ended_at,
        int(begins),
        *facts_of(record["payload"]),
    )


def _ended(record: Mapping[str, Any]) -> str:
    """Return the id of the task that a message ends, empty where it ends none."""
    if record["message_type"] not in ENDS:
        return ""
    found = record["parent_message_id"]
    if not found and record["message_type"] == "cancel":
        found = record["payload"].get("message_id") or record["payload"].get("task_id")
    return found if isinstance(found, str) else ""
