"""The crew's common rules: who is in it, what a message asks for, when it is due and in what order.

Ids of what the crew sends are made from those of what it answers: whoever does a piece of work a
second time, after a crash, sends the same messages again, and they are known for what they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aimesh.core import trace
from aimesh.core.moments import seconds_of
from aimesh.core.telemetry import PRIORITIES, AgentMessage
from aimesh.core.text import cut, printable

ORCHESTRATOR = "orchestrator"
WORKERS = ("researcher", "coder", "writer", "reviewer")
AGENTS = (ORCHESTRATOR, *WORKERS)
#: Who asks on the command line.
USER = "user"

QUESTION_BYTES = 8_000
CONTEXT_BYTES = 12_000
_MOST_OWN_ID = 190
_TEXTS = ("task", "question", "text", "prompt", "content", "input", "query", "message")


def plan_id(question_id: str) -> str:
    """Return the id of a question's plan: the question's own, where that is not too long."""
    return question_id if len(question_id) <= _MOST_OWN_ID else trace.trace_id(question_id)


def step_id(plan: str, number: int) -> str:
    """Return the id of the message that hands a step of a plan over."""
    return f"{plan}.{number}"


def step_of(message_id: str) -> tuple[str, int] | None:
    """Return plan and number of the step that a message handed over, None for other messages."""
    plan, _, number = message_id.rpartition(".")
    if not plan or not number.isascii() or not number.isdecimal() or len(number) > 2:
        return None
    return plan, int(number)


def answer_id(task_id: str) -> str:
    """Return the id of the message that answers a task."""
    return trace.trace_id(f"{task_id}/answer")


def ending_id(task_id: str, why: str) -> str:
    """Return the id of the message that calls a task off, for one reason."""
    return trace.trace_id(f"{task_id}/end/{why}")


def trace_of(message: AgentMessage) -> str:
    """Return the trace that a message belongs to, also where it names none."""
    return message.trace_id or trace.trace_id(message.message_id)


def text_of(payload: Mapping[str, Any]) -> str:
    """Return what a task's payload asks for, under whatever usual name, as harmless text."""
    for name in _TEXTS:
        value = payload.get(name)
        if isinstance(value, str) and value.strip():
            return cut(printable(value.strip()), QUESTION_BYTES)
    rest = {name: value for name, value in payload.items() if value}
    text = json.dumps(rest, ensure_ascii=False, default=str) if rest else ""
    return cut(printable(text), QUESTION_BYTES)


def context_of(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what earlier steps found, which came with a task: agent and text of each."""
    found = payload.get("context")
    parts = [part for part in found if isinstance(part, Mapping)] if isinstance(found, list) else []
    return [(str(p.get("agent") or "?")[:100], printable(str(p.get("text") or ""))) for p in parts]


def urgency(message: AgentMessage, arrival: int) -> tuple[int, int]:
    """Return by what waiting tasks are ordered: the least goes first.

    Arguments:
        message: the task.
        arrival: grows from task to task.
    """
    return -PRIORITIES.index(message.priority), arrival


def expires_at(message: AgentMessage) -> float | None:
    """Return the Unix time after which a task is not worth doing any more, None for never."""
    if not message.ttl_seconds:
        return None
    return seconds_of(message.timestamp) + message.ttl_seconds


def seconds_left(message: AgentMessage, now: float) -> float | None:
    """Return how many seconds a task has left at a Unix time, 0 for none, None for any number."""
    end = expires_at(message)
    return None if end is None else max(0.0, end - now)
