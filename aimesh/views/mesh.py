"""The mesh's tables as JSON, and the way in for a task."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import orjson
from aiohttp import web
from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

from aimesh import codec
from aimesh.agents.consumer import MOST_TASK_BYTES
from aimesh.agents.observer import Observer
from aimesh.faustfix import MeshApp
from aimesh.records import Task, now
from aimesh.tables.mesh import MeshTables, cursor_of
from aimesh.version import __version__
from aimesh.views.observed import tables_of
from aimesh.views.problems import Problem, bad_parameter, integer

MOST_TASKS, TASKS = 200, 50
# so long may Kafka take with a submitted task
SEND_SECONDS = 10.0
OUTCOMES = ("in_flight", "reviewed", "dead_lettered")


def answer(body: Any, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


class MeshViews:
    """Answers from the observer's tables; 503 until they are there.

    Arguments:
        root: the application that sends submitted tasks.
        tasks: the tasks' topic.
    """

    def __init__(self, root: MeshApp, observer: Observer, tasks: str) -> None:
        self._root = root
        self._observer = observer
        self._tasks = tasks

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the paths below ``/api/v1/mesh``."""
        base = "/api/v1/mesh"
        return [
            web.get(f"{base}/state", self.state),
            web.get(f"{base}/tasks", self.tasks),
            web.post(f"{base}/tasks", self.submit),
            web.get(f"{base}/tasks/{{task_id}}", self.task),
            web.get(f"{base}/lag", self.lag),
            web.get(f"{base}/counts", self.counts),
            web.get(f"{base}/errors", self.errors),
            web.get(f"{base}/in-flight", self.in_flight),
        ]

    @property
    def _tables(self) -> MeshTables:
        return tables_of(self._observer)

    async def state(self, request: web.Request) -> web.Response:
        """Return how the whole mesh is doing."""
        return answer(state(self._tables))

    async def tasks(self, request: web.Request) -> web.Response:
        """Return tasks, newest first; ``limit``, ``cursor``, ``outcome``."""
        limit = integer(request, "limit", TASKS, MOST_TASKS)
        wanted = request.query.get("outcome", "")
        if wanted and wanted not in OUTCOMES:
            raise bad_parameter("outcome", wanted, " or ".join(OUTCOMES))
        found: list[dict[str, Any]] = []
        cursor = request.query.get("cursor", "")
        while len(found) < limit:
            page = self._tables.recent(MOST_TASKS, cursor)
            found += [state for state in page if wanted in ("", state["outcome"])]
            if len(page) < MOST_TASKS:
                break
            cursor = cursor_of(page[-1])
        next_cursor = cursor_of(found[limit - 1]) if len(found) >= limit else None
        found = found[:limit]
        return answer({"tasks": found, "next_cursor": next_cursor, "as_of": now()})

    async def task(self, request: web.Request) -> web.Response:
        """Return what is known of one task."""
        task_id = request.match_info["task_id"]
        state = self._tables.task(task_id)
        if state is None:
            raise Problem(404, "No such task", f"there is no task {task_id!r}")
        return answer({"task": state, "as_of": now()})

    async def lag(self, request: web.Request) -> web.Response:
        """Return the lag of every hop with its last minutes."""
        return answer({"hops": list(self._tables.hops().values()), "as_of": now()})

    async def counts(self, request: web.Request) -> web.Response:
        """Return what was counted, by outcome and by agent."""
        return answer({"counts": self._tables.counts(), "as_of": now()})

    async def errors(self, request: web.Request) -> web.Response:
        """Return how many warnings and errors each agent has told of."""
        counts = self._tables.counts()
        told: dict[str, dict[str, int]] = {}
        for name, number in counts.items():
            level, _, agent = name.partition(".")
            if level in ("errors", "warnings") and agent:
                told.setdefault(agent, {})[level] = number
        total = {level: counts[level] for level in ("errors", "warnings")}
        return answer({"total": total, "by_agent": told, "as_of": now()})

    async def in_flight(self, request: web.Request) -> web.Response:
        """Return the tasks that have not ended, oldest first."""
        flying = self._tables.in_flight()
        oldest = sorted(flying.items(), key=lambda item: item[1])[:MOST_TASKS]
        items = [{"task_id": task_id, "since": since} for task_id, since in oldest]
        return answer({"total": len(flying), "tasks": items, "as_of": now()})

    async def submit(self, request: web.Request) -> web.Response:
        """Put a task of the caller's own into the mesh."""
        try:
            body = orjson.loads(await request.read())
        except ValueError as exc:
            raise Problem(422, "Bad body", f"the body must be a JSON object: {exc}") from exc
        text = body.get("task") if isinstance(body, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise Problem(422, "Bad body", 'the body must be {"task": "what is to be solved"}')
        if len(text.encode("utf-8", "replace")) > MOST_TASK_BYTES:
            raise Problem(422, "Bad body", f"a task has {MOST_TASK_BYTES} bytes at most")
        task = Task(task=text, task_id=f"s-{uuid.uuid4().hex}", source="submit", created_at=now())
        await self._send(task)
        return answer({"task_id": task.task_id}, status=202)

    async def _send(self, task: Task) -> None:
        key, value = task.task_id.encode(), codec.dumps(task)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await (await self._root.producer.send(self._tasks, key, value, None, None, None))
        except (KafkaError, ProducerSendError, TimeoutError) as exc:
            raise Problem(
                503,
                "Not available",
                "kafka has not taken the task, though it may still arrive: "
                + (str(exc) or "time-out"),
                task_id=task.task_id,
            ) from exc


def state(tables: MeshTables) -> dict[str, Any]:
    """Return how the whole mesh is doing, as far as it is known."""
    services = _services(tables)
    model, memory = services.get("ollama", {}), services.get("memory", {})
    governor = tables.word("governor") or {}
    return {
        "governor": {
            "state": governor.get("state", "UNKNOWN"),
            "reason": governor.get("reason", "the governor has not spoken yet"),
            "since": governor.get("since"),
            "lag": governor.get("lag"),
            "threshold": governor.get("threshold"),
            "at": governor.get("ts"),
        },
        "hops": list(tables.hops().values()),
        "stages": tables.stages(),
        "model": {**model, "name": model.get("model")} if model else None,
        "memory": {"on": memory.get("ok"), **memory} if memory else None,
        "sandbox": services.get("sandbox"),
        "counts": tables.counts(),
        "in_flight": len(tables.in_flight()),
        "tokens_per_minute": tables.tokens_per_minute(),
        "version": __version__,
        "as_of": now(),
    }


def _services(tables: MeshTables) -> dict[str, dict[str, Any]]:
    """Return the newest status of each service that any worker uses."""
    newest: dict[str, dict[str, Any]] = {}
    for report in sorted(tables.stages(), key=lambda stage: stage.get("ts", "")):
        for service in report.get("services") or []:
            newest[service["name"]] = service
    return newest
