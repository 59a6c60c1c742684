"""A server with the real pages and the real stream on a real Kafka, and a state that tests set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from aimesh.services.feed import FeedHub
from aimesh.settings import Settings
from aimesh.views import dashboard, security, streams
from aimesh.views.problems import Problem, problems
from tests.browser import samples, states
from tests.feeding import PARTITIONS, Feed


class Site:
    """The pages on a port of their own, which keep their port over a restart."""

    def __init__(self, feed: Feed, settings: Settings | None = None) -> None:
        self.feed = feed
        self.state: dict[str, Any] | None = states.state()
        self.submitted: list[str] = []
        # what other paths of the API answer, and what was sent to them
        self.answers: dict[str, Any] = {}
        self.sent: list[tuple[str, Any]] = []
        self._settings = settings or Settings()
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._hub: FeedHub | None = None

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Serve."""
        self._hub = FeedHub(self.feed.bootstrap, self.feed.topic, PARTITIONS)
        await self._hub.start()
        app = web.Application(middlewares=[problems])
        security.protect(app, self._settings)
        app.add_routes([*dashboard.routes(self._settings), *streams.routes(self._hub)])
        app.add_routes([web.get("/api/v1/mesh/state", self._get_state)])
        app.add_routes([web.post("/api/v1/mesh/tasks", self._submit)])
        app.add_routes([web.route("*", "/api/v1/{rest:.+}", self._answer)])
        self._runner = web.AppRunner(app, shutdown_timeout=2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop serving, as a worker does: first the streams, then the server."""
        if self._hub is not None:
            await self._hub.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def fill(self) -> None:
        """Write what a mesh at work has written."""
        for kind, data, at in samples.busy_mesh():
            await self.feed.send(kind, data, at=at)

    async def pose(self, task_id: str) -> None:
        """Write one task."""
        await self.feed.send("task", {"task_id": task_id, "task": f"Task {task_id}"})

    async def _get_state(self, request: web.Request) -> web.Response:
        if self.state is None:
            raise Problem(503, "Not ready", "the tables are being recovered, try again shortly")
        return web.json_response(self.state)

    async def _submit(self, request: web.Request) -> web.Response:
        text = (await request.json())["task"]
        self.submitted.append(text)
        task_id = f"s-{len(self.submitted):05}"
        data = {"task_id": task_id, "task": text, "attempt": 1, "source": "submit"}
        await self.feed.send("task", data)
        return web.json_response({"task_id": task_id}, status=202)

    async def _answer(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.sent.append((request.path, await request.json()))
        found = self.answers.get(request.path)
        if isinstance(found, Problem):
            raise found
        if found is None:
            raise Problem(404, "Not found", f"there is nothing at {request.path!r}")
        return web.json_response(found)


@asynccontextmanager
async def serving(feed: Feed, settings: Settings | None = None) -> AsyncIterator[Site]:
    """Serve the pages while the body runs."""
    site = Site(feed, settings)
    await site.start()
    try:
        yield site
    finally:
        await site.stop()
