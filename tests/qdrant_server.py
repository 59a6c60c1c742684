"""The part of Qdrant's REST API that the memory uses, over the library's own engine in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from qdrant_client import QdrantClient
from qdrant_client.models import Filter, PointStruct, VectorParams

from tests.serving import ANY_PATH, serving

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class QdrantServer:
    """What the server holds and was asked. ``fault`` takes over every request while it is set."""

    def __init__(self) -> None:
        self.url = ""
        self.engine = QdrantClient(":memory:")
        self.asked: list[tuple[str, str]] = []
        self.indexes: set[tuple[str, str]] = set()
        self.fault: Handler | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        if self.fault:
            return await self.fault(request)
        body = await request.json() if request.can_read_body else {}
        _, _, *parts = request.path.split("/")
        name, *rest = parts or [""]
        action = f"{request.method} {'/'.join(rest)}".strip()
        if not name:
            return result(self.engine.get_collections().model_dump())
        if action == "GET exists":
            return result({"exists": self.engine.collection_exists(name)})
        if action == "PUT":
            return self.create(name, body)
        if not self.engine.collection_exists(name):
            return refused(404, f"Not found: Collection `{name}` doesn't exist!")
        return self.work(action, name, body)

    def create(self, name: str, body: dict[str, Any]) -> web.Response:
        if self.engine.collection_exists(name):
            return refused(409, f"Wrong input: Collection `{name}` already exists!")
        self.engine.create_collection(name, vectors_config=VectorParams(**body["vectors"]))
        return result(True)

    def work(self, action: str, name: str, body: dict[str, Any]) -> web.Response:
        """What can be done with a collection that is there."""
        if action == "PUT index":
            self.indexes.add((name, body["field_name"]))
            return result({"operation_id": 1, "status": "completed"})
        if action == "PUT points":
            self.engine.upsert(name, [PointStruct(**point) for point in body["points"]])
            return result({"operation_id": 2, "status": "completed"})
        if action == "POST points/count":
            return result(self.engine.count(name).model_dump())
        assert action == "POST points/query"
        chosen = Filter(**body["filter"]) if body.get("filter") else None
        found = self.engine.query_points(
            name, query=body["query"]["nearest"], limit=body["limit"], query_filter=chosen
        )
        return result(found.model_dump())


def result(value: object) -> web.Response:
    return web.json_response({"result": value, "status": "ok", "time": 0.0})


def refused(status: int, error: str, **headers: str) -> web.Response:
    body = {"status": {"error": error}, "time": 0.0}
    return web.json_response(body, status=status, headers=headers)


async def hang(request: web.Request) -> web.StreamResponse:
    """Never answer; ends when the caller goes away."""
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def qdrant_server(port: int = 0) -> AsyncIterator[QdrantServer]:
    """Run a server on the loopback address while the body runs."""
    server = QdrantServer()
    try:
        async with serving(web.route("*", ANY_PATH, server.handle), port=port) as server.url:
            yield server
    finally:
        server.engine.close()
