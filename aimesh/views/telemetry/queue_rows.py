"""What the list of queues says of each queue."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

import orjson

from aimesh.core.telemetry import queue_topic
from aimesh.tables.telemetry.queues import Queue
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.views.telemetry.common import rows
from aimesh.views.telemetry.kept_rows import KeptRows

# pending tasks that are shown with each queue; all of them have a path of their own
SHOWN = 3

# messages ever, messages kept, pending tasks, the agent's name. Messages only ever come, and a task
# never is pending again, so these tell which tasks are pending too.
Version = tuple[int, int, int, str]


def agent_name(tables: TelemetryTables, queue: Queue) -> str:
    """Return the name of a queue's agent as the agent itself writes it, where that is known."""
    agent = tables.agents.agents.get(queue.name)
    return agent.name if agent and agent.name else queue.name


class QueueRows:
    """Rows of the list of queues, as JSON.

    Arguments:
        prefix: of all topics' names.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._kept = KeptRows[str]()

    def row(self, tables: TelemetryTables, queue: Queue) -> orjson.Fragment:
        """Return what the list says of a queue."""
        version = (queue.total, queue.kept, queue.waiting, agent_name(tables, queue))
        make = partial(self._made, tables, queue, version)
        return self._kept.row(tables.messages, queue.name, version, make)

    def _made(self, tables: TelemetryTables, queue: Queue, version: Version) -> dict[str, Any]:
        total, kept, waiting, name = version
        return {
            "agent_name": name,
            "queue_topic": queue_topic(queue.name, self._prefix),
            "total_messages": total,
            "kept_messages": kept,
            "pending_tasks": waiting,
            "pending": rows(tables.messages.bodies(islice(queue.most_urgent(), SHOWN))),
        }
