"""What is known of a task, put together from its events in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimesh.core.feed import FeedEvent

MOST_TEXT = 400

REVIEWED = "reviewed"
DEAD = "dead_lettered"
IN_FLIGHT = "in_flight"

_TASK_FIELDS = ("source", "created_at")
_SOLUTION_FIELDS = ("model", "input_tokens", "output_tokens", "duration_s")
_VERDICT_FIELDS = (
    "verdict", "success", "final", "reason", "error", "limit", "wall_s", "cpu_s", "max_rss_bytes",
    "isolation", "cases_passed", "cases_total",
)  # fmt: skip
_REVIEW_FIELDS = ("success", "model", "duration_s", "input_tokens", "output_tokens", "attempts")
_DEAD_FIELDS = ("error", "error_type", "topic", "partition", "offset")

State = dict[str, Any]


def task_id_of(event: FeedEvent) -> str:
    """Return the id of the task that an event belongs to, empty where it belongs to none."""
    return str(event.data.get("task_id") or "")


def fold(state: Mapping[str, Any] | None, event: FeedEvent) -> State:
    """Return a task's state with an event worked in.

    Folding an event in twice changes nothing, and the order of events does not matter: the topics
    of a task are read independently of each other.
    """
    new: State = {
        "task_id": task_id_of(event),
        "task": "",
        "attempts": {},
        "events": {},
        **(state or {}),
    }
    times = [t for t in (new.get("updated_at", ""), event.at) if t]
    new["updated_at"] = max(times)
    new["first_at"] = min([t for t in (new.get("first_at", ""), event.at) if t])
    if fold_kind := _FOLDS.get(event.kind):
        fold_kind(new, event)
    new["outcome"] = outcome(new)
    return new


def is_repeated(state: Mapping[str, Any] | None, event: FeedEvent) -> bool:
    """Tell whether an event says of a task what another message has said before.

    A crash may have a message sent twice. The same message read twice is no repetition.
    """
    if event.kind == "review":
        known = (state or {}).get("review")
    else:
        attempt = (state or {}).get("attempts", {}).get(_number(event), {})
        known = attempt.get("asked" if event.kind == "task" else event.kind)
    return known is not None and known["ref"] != _reference(event)


def outcome(state: Mapping[str, Any]) -> str:
    """Return how a task ended, or that it is in flight; a review outweighs a dead letter."""
    if state.get("review"):
        return REVIEWED
    return DEAD if state.get("dead") else IN_FLIGHT


def _reference(event: FeedEvent) -> str:
    return f"{event.topic}/{event.partition}/{event.offset}"


def _number(event: FeedEvent) -> str:
    return str(event.data.get("attempt") or 1)


def _part(event: FeedEvent, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: event.data[name] for name in names if name in event.data}
    return {"at": event.at, "ref": _reference(event)} | values


def _attempt(state: State, event: FeedEvent, part: str, value: dict[str, Any]) -> None:
    number = _number(event)
    attempts = dict(state["attempts"])
    # of two that say the same the first was worked on, and the second absorbed
    attempts[number] = {part: value, **attempts.get(number, {})}
    state["attempts"] = attempts


def _text(state: State, event: FeedEvent) -> None:
    state["task"] = state["task"] or str(event.data.get("task", ""))[:MOST_TEXT]


def _fold_task(state: State, event: FeedEvent) -> None:
    _text(state, event)
    if int(event.data.get("attempt") or 1) == 1:
        state.update({n: event.data[n] for n in _TASK_FIELDS if event.data.get(n)})
    _attempt(state, event, "asked", _part(event, ()))


def _fold_solution(state: State, event: FeedEvent) -> None:
    _text(state, event)
    _attempt(state, event, "solution", _part(event, _SOLUTION_FIELDS))


def _fold_verdict(state: State, event: FeedEvent) -> None:
    _text(state, event)
    _attempt(state, event, "verdict", _part(event, _VERDICT_FIELDS))


def _fold_review(state: State, event: FeedEvent) -> None:
    _text(state, event)
    state.setdefault("review", _part(event, _REVIEW_FIELDS))


def _fold_dead(state: State, event: FeedEvent) -> None:
    state["dead"] = {"at": event.at, "ref": _reference(event)} | {
        n: event.data[n] for n in _DEAD_FIELDS if n in event.data
    }


def _fold_line(state: State, event: FeedEvent) -> None:
    if event.data.get("type") == "event":
        agent, at = str(event.data.get("agent", "")), str(event.data.get("ts") or event.at)
        last = state["events"].get(agent, {})
        if at >= last.get("at", ""):
            said = {"what": event.data.get("name", ""), "at": at, **(event.data.get("data") or {})}
            state["events"] = {**state["events"], agent: said}


_FOLDS = {
    "task": _fold_task,
    "solution": _fold_solution,
    "verdict": _fold_verdict,
    "review": _fold_review,
    "dead_letter": _fold_dead,
    "line": _fold_line,
}
