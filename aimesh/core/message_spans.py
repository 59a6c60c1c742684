"""A trace of agents' messages as spans: a task in a queue is work until it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimesh.core import trace
from aimesh.core.message_facts import facts_of
from aimesh.core.moments import seconds_of
from aimesh.core.spans import CANCELLED, COMPLETED, FAILED, RUNNING, Handoff, Span

Message = Mapping[str, Any]

_ENDS = {"result": COMPLETED, "error": FAILED, "cancel": CANCELLED}
_STEP_KINDS = ("model", "tool", "memory")
MOST_STEPS = 50


def spans_of(
    messages: Sequence[Message], answers: Mapping[str, Message], now: float
) -> tuple[list[Span], list[Handoff]]:
    """Return the spans and handoffs that messages tell of, in the order of the messages.

    Arguments:
        messages: those of one trace, in the order of arrival.
        answers: messages that are not of the trace but answer a task of it, by the task's id.
        now: the Unix time, by which tasks may have run out.
    """
    ends = {**answers}
    for message in messages:
        parent = message.get("parent_message_id")
        if parent and message["message_type"] in _ENDS and not _is_better(ends.get(parent)):
            ends[parent] = message
    spans: list[Span] = []
    handoffs: list[Handoff] = []
    ids: dict[str, str] = {}
    for message in messages:
        if message["message_type"] != "task" or message["message_id"] in ids:
            continue
        span = _span(message, ends.get(message["message_id"]), now)
        span.parent = _parent(message, spans, ids)
        ids[message["message_id"]] = span.span_id
        spans.append(span)
        handoffs.append(_handoff(message, span))
        if (answer := ends.get(message["message_id"])) is not None:
            spans += _steps(span, answer)
    return spans, handoffs


def _is_better(known: Message | None) -> bool:
    """Tell whether an answer is not to be replaced by a later one: a result after an error is."""
    return known is not None and known["message_type"] != "error"


def _span(task: Message, answer: Message | None, now: float) -> Span:
    agent = task["target_agent"]
    start = seconds_of(task["timestamp"])
    span = Span(
        # a span id may be that of the sender's own work, and then is not unique
        span_id=trace.span_id(task["message_id"]),
        name=f"invoke_agent {agent}",
        kind="agent",
        agent=agent,
        start=start,
        attributes={
            "message_id": task["message_id"],
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent,
            "source_agent": task["source_agent"],
            "priority": task["priority"],
            "reason": task["reason"],
        },
    )
    ttl = task.get("ttl_seconds")
    if answer is not None:
        span.end, span.status = seconds_of(answer["timestamp"]), _ENDS[answer["message_type"]]
        facts = facts_of(answer["payload"])
        span.attributes |= {"answer_message_id": answer["message_id"], "tokens": facts.tokens}
    elif ttl and start + ttl <= now:
        span.end, span.status = start + ttl, FAILED
        span.attributes["error.type"] = "expired"
    return span


def _parent(task: Message, spans: Sequence[Span], ids: Mapping[str, str]) -> str | None:
    """Return the span in which a task was given: by its parent, else by what its sender did."""
    if (known := ids.get(task.get("parent_message_id") or "")) is not None:
        return known
    start = seconds_of(task["timestamp"])
    for span in reversed(spans):
        is_open = span.end is None or span.end >= start
        if span.kind == "agent" and _same(span.agent, task["source_agent"]) and is_open:
            return span.span_id
    return None


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def _handoff(task: Message, span: Span) -> Handoff:
    return Handoff(
        source=task["source_agent"],
        target=task["target_agent"],
        at=span.start,
        reason=task["reason"],
        message_id=task["message_id"],
        status=span.status if span.status != RUNNING else "pending",
        duration_ms=span.duration_ms,
    )


def _steps(parent: Span, answer: Message) -> list[Span]:
    """Return what an agent says it did for a task: ``steps`` in the payload of its answer."""
    steps = answer["payload"].get("steps")
    found = []
    for number, step in enumerate(steps[:MOST_STEPS] if isinstance(steps, list) else ()):
        if not isinstance(step, dict) or step.get("kind") not in _STEP_KINDS:
            continue
        try:
            start = seconds_of(str(step.get("started_at")))
            took = float(step.get("duration_ms") or 0) / 1000
        except ValueError:
            continue
        more = step.get("attributes")
        found.append(
            Span(
                span_id=trace.span_id(f"{parent.span_id}/{number}"),
                name=str(step.get("name") or step["kind"])[:200],
                kind=step["kind"],
                agent=parent.agent,
                start=start,
                end=start + max(0.0, took),
                status=FAILED if step.get("failed") else COMPLETED,
                parent=parent.span_id,
                attributes=more if isinstance(more, dict) else {},
            )
        )
    return found
