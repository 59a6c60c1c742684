"""One task with everything that is in Kafka of it, for its page."""

from __future__ import annotations

import asyncio

from aiohttp import web
from orjson import dumps

from aimesh.agents.observer import Observer
from aimesh.records import now
from aimesh.views.observed import tables_of
from aimesh.views.problems import Problem
from aimesh.views.tasks_prompts import prompts_of
from aimesh.views.tasks_reading import TaskEvents

PATH = "/api/v1/mesh/tasks/{task_id}/events"
# each opens a connection to Kafka of its own
MOST_AT_ONCE = 4


class TaskViews:
    """Answers from the topics, where the observer's tables say to look.

    Arguments:
        observer: knows where a task's records are.
        events: reads them.
    """

    def __init__(self, observer: Observer, events: TaskEvents) -> None:
        self._observer = observer
        self._events = events
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """Return the path of a task's events."""
        return [web.get(PATH, self.get)]

    async def get(self, request: web.Request) -> web.Response:
        """Return a task's state, all of its events, and the prompts that follow from them."""
        task_id = request.match_info["task_id"]
        state = tables_of(self._observer).task(task_id)
        if state is None:
            raise Problem(404, "No such task", f"there is no task {task_id!r}")
        async with self._places:
            found = await self._events.of(state)
        body = {
            "task": state,
            "events": found.events,
            "lines_complete": found.whole,
            "prompts": prompts_of(found.events),
            "as_of": now(),
        }
        return web.Response(body=dumps(body), content_type="application/json")
