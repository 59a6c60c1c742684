"""What a state tells of tasks that wait in a queue."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import orjson

from aimesh.core.moments import time_text
from aimesh.core.telemetry import PRIORITIES
from aimesh.tables.telemetry.messages import Messages

MOST_KEPT = 2000
MOST_PROMPT = 300

State = dict[str, Any]


class WaitingTasks:
    """Tells of tasks by their messages; what was told lately is kept, for most of it still waits.

    The tasks of a state are spread over as many pages of the table as there are tasks.
    """

    def __init__(self) -> None:
        # by number and time: numbers begin anew where the tables do
        self._kept: OrderedDict[tuple[int, float], State] = OrderedDict()

    def task(self, messages: Messages, number: int, at: float) -> State:
        """Return a task as a state has it.

        Arguments:
            number: of its message, which waits.
            at: a Unix time, for how long it has waited.
        """
        submitted = messages.tasks.time_of(number)
        key = (number, submitted)
        told = self._kept.get(key)
        if told is None:
            told = self._kept[key] = _told(messages, number, submitted)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        # whole ones: what changes with every look cannot be known to be right from the last one
        waited = int(max(0.0, at - submitted) // 60)
        return {**told, "priority": {**told["priority"], "waiting_since_mins": waited}}


def _told(messages: Messages, number: int, submitted: float) -> State:
    [body] = messages.bodies((number,))
    message = orjson.loads(body)
    priority: State = {"level": PRIORITIES[messages.tasks.priority_of(number)]}
    found: State = {
        "id": message["message_id"],
        "invoked_by": message["source_agent"],
        "priority": priority,
        "submitted_at": time_text(submitted),
    }
    payload = message["payload"]
    if isinstance(blocked := payload.get("blocked_task"), str):
        priority["blocked_task"] = blocked
    prompt = payload.get("prompt") or payload.get("task")
    if isinstance(prompt, str):
        found["prompt"] = prompt[:MOST_PROMPT]
    if isinstance(args := payload.get("args"), dict):
        found["args"] = args
    return found
