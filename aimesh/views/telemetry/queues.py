"""The agents' queues: what is in them, and what waits."""

from __future__ import annotations

from itertools import islice
from typing import Any

from aiohttp import web

from aimesh.core.telemetry import MESSAGE_TYPES, queue_topic
from aimesh.records import now
from aimesh.tables.telemetry.queues import Queue
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.views.problems import Problem, integer
from aimesh.views.telemetry.common import (
    Source,
    answer,
    choice,
    cursor,
    named_page,
    page,
    rows,
    text,
)
from aimesh.views.telemetry.queue_rows import QueueRows, agent_name

MOST_MESSAGES, MESSAGES = 500, 50
MOST_QUEUES, QUEUES = 1000, 500
MOST_PENDING, PENDING = 500, 100
# pending tasks that are shown along with a queue; all of them have a path of their own
SHOWN_PENDING = 20
BASE = "/api/v1/queues"


class QueueViews:
    """Answers about queues, and about what could not be read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rows = QueueRows(source.prefix)

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/queues``, and those of agents and undecodables."""
        return [
            web.get(BASE, self.queues),
            web.get(f"{BASE}/{{agent}}", self.queue),
            web.get(f"{BASE}/{{agent}}/pending", self.pending),
            web.get("/api/v1/agents", self.agents),
            web.get("/api/v1/undecodable", self.undecodable),
        ]

    async def queues(self, request: web.Request) -> web.Response:
        """Return all queues by name, each with the tasks that wait first."""
        limit = integer(request, "limit", QUEUES, MOST_QUEUES)
        tables = self._source.tables
        names = sorted(tables.messages.queues)
        shown, following = named_page(names, text(request, "cursor"), limit)
        queues = tables.messages.queues
        body = {
            "queues": [self._rows.row(tables, queues[name]) for name in shown],
            "total_messages": tables.counts["messages"],
            "total_queues": len(names),
            "pending_tasks": tables.messages.tasks.waiting,
            "dropped_messages": tables.messages.ledger.low,
            "undecodable_messages": tables.undecodable.total,
            "next_cursor": following,
            "as_of": now(),
        }
        return answer(body)

    def _names(self, tables: TelemetryTables, queue: Queue) -> dict[str, Any]:
        return {
            "agent_name": agent_name(tables, queue),
            "queue_topic": queue_topic(queue.name, self._source.prefix),
        }

    def _queue(self, request: web.Request) -> tuple[TelemetryTables, Queue]:
        tables = self._source.tables
        name = request.match_info["agent"]
        queue = tables.messages.queues.get(tables.agents.key_of(name))
        if queue is None:
            raise Problem(404, "No such queue", f"no message was seen in a queue of {name!r}")
        return tables, queue

    async def queue(self, request: web.Request) -> web.Response:
        """Return the messages of a queue, newest first, and the tasks that wait first."""
        kind = choice(request, "message_type", MESSAGE_TYPES)
        limit = integer(request, "limit", MESSAGES, MOST_MESSAGES)
        start = cursor(request, "m")
        tables, queue = self._queue(request)
        found = list(islice(queue.newest(kind, start[0] if start else None), limit + 1))
        numbers, last = page(found, limit)
        body = {
            **self._names(tables, queue),
            "total_messages": queue.total,
            "kept_messages": queue.kept,
            "pending_tasks": queue.waiting,
            "by_type": {kind: group.bodies.next for kind, group in queue.groups.items()},
            "messages": rows(tables.messages.bodies(numbers)),
            "pending": rows(tables.messages.bodies(islice(queue.most_urgent(), SHOWN_PENDING))),
            "next_cursor": None if last is None else f"m{last}",
            "as_of": now(),
        }
        return answer(body)

    async def pending(self, request: web.Request) -> web.Response:
        """Return the pending tasks of a queue, the most urgent first, then the oldest."""
        limit = integer(request, "limit", PENDING, MOST_PENDING)
        start = cursor(request, "p")
        tables, queue = self._queue(request)
        numbers, last = page(list(islice(queue.most_urgent(start), limit + 1)), limit)
        priority = tables.messages.tasks.priority_of
        body = {
            **self._names(tables, queue),
            "pending_count": queue.waiting,
            "tasks": rows(tables.messages.bodies(numbers)),
            "next_cursor": None if last is None else f"p{priority(last)}.{last}",
            "as_of": now(),
        }
        return answer(body)

    async def agents(self, request: web.Request) -> web.Response:
        """Return all agents that were seen, by name."""
        limit = integer(request, "limit", QUEUES, MOST_QUEUES)
        tables = self._source.tables
        keys = sorted(tables.agents.agents)
        shown, following = named_page(keys, text(request, "cursor"), limit)
        found = [tables.agents.agents[key] for key in shown]
        body = {
            "agents": [
                {
                    "agent_name": agent.name or agent.key,
                    "first_seen": agent.first_seen,
                    "last_seen": agent.last_seen or None,
                    "heartbeat_at": agent.heartbeat_at or None,
                    "sent": agent.sent,
                    "received": agent.received,
                    "errors": agent.errors,
                    "worked": agent.worked,
                    "pending_tasks": queue.waiting
                    if (queue := tables.messages.queues.get(agent.key))
                    else 0,
                }
                for agent in found
            ],
            "total": len(keys),
            "next_cursor": following,
            "as_of": now(),
        }
        return answer(body)

    async def undecodable(self, request: web.Request) -> web.Response:
        """Return what could not be read, newest first, with where it is and why."""
        limit = integer(request, "limit", MESSAGES, MOST_MESSAGES)
        topic = text(request, "topic")
        kept = self._source.tables.undecodable
        found = [row for row in reversed(kept.newest) if topic in ("", row["topic"])]
        body = {
            "total": kept.total,
            "by_topic": kept.by_topic,
            "messages": found[:limit],
            "as_of": now(),
        }
        return answer(body)
