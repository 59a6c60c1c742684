"""A gateway in front of a model server, which refuses calls when it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from tests.serving import ANY_PATH, serving

HELD = {"content-type"}


class LimitingGateway:
    """Hands every request on to ``target``; while ``limited``, it refuses those for a model."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self.limited = False
        self._session: aiohttp.ClientSession | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.limited and request.path in ("/api/chat", "/api/embed"):
            error = {"error": "rate limit exceeded: 60 requests a minute"}
            return web.json_response(error, status=429, headers={"Retry-After": "1"})
        assert self._session is not None
        body = await request.read()
        try:
            async with self._session.request(
                request.method, self.target + request.path, data=body, headers=_held(request)
            ) as answer:
                content = await answer.read()
                kind = answer.headers.get("content-type", "")
                return web.Response(
                    body=content, status=answer.status, headers={"content-type": kind}
                )
        except aiohttp.ClientError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=502)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[LimitingGateway]:
        """Serve on the loopback address while the body runs."""
        async with (
            aiohttp.ClientSession() as self._session,
            serving(web.route("*", ANY_PATH, self.handle)) as self.url,
        ):
            yield self


def _held(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.lower() in HELD}
