"""Asks the observer that has the mesh's tables, where this one has not."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from aimesh.views.problems import Problem

# what is answered from the tables; each observer has all of the rest
BELOW = ("/api/v1/mesh/", "/api/v1/claude/", "/api/v1/oracle/")
# read from Kafka by whoever is asked
EXCEPT = ("/api/v1/mesh/stream", "/api/v1/mesh/audit", "/api/v1/mesh/dead-letters")
# on a question that was passed on, so that it is not passed on again
MARK = "X-AIMesh-Forwarded"
ASKED_WITH = ("Accept", "Authorization", "Cookie", "If-None-Match")
ANSWERED_WITH = ("Content-Type", "ETag", "Retry-After", "WWW-Authenticate")
SECONDS = 30.0


class Holding(Protocol):
    """What is asked of an observer."""

    ready: bool
    holds: bool

    def holder(self) -> str:
        """Return the address of the worker that has the tables."""


class Forwarding:
    """Passes reads on to the worker that has the tables, with what the caller has shown.

    Arguments:
        observer: of this worker.
    """

    def __init__(self, observer: Holding) -> None:
        self._observer = observer
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections to other workers."""
        if self._http is not None:
            await self._http.close()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer here, or let the holder answer."""
        observer = self._observer
        if observer.holds or not observer.ready or not _is_of_the_tables(request):
            return await handler(request)
        address = observer.holder()
        if not address or MARK in request.headers:
            raise Problem(503, "Not ready", "the tables are being moved, try again shortly")
        try:
            return await self._answer_of(address, request)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise Problem(
                503,
                "Not available",
                f"the tables are at the observer {address}, which does not answer "
                f"({type(exc).__name__}): AIMESH_WEB_BIND must let other workers reach it",
            ) from exc

    async def _answer_of(self, address: str, request: web.Request) -> web.Response:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        shown = {n: request.headers[n] for n in ASKED_WITH if n in request.headers}
        async with (
            asyncio.timeout(SECONDS),
            self._http.request(
                request.method,
                URL(f"http://{address}{request.raw_path}", encoded=True),
                headers={**shown, MARK: "1"},
                allow_redirects=False,
            ) as answer,
        ):
            headers = {n: answer.headers[n] for n in ANSWERED_WITH if n in answer.headers}
            return web.Response(body=await answer.read(), status=answer.status, headers=headers)


def _is_of_the_tables(request: web.Request) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and request.path.startswith(BELOW)
        and not request.path.startswith(EXCEPT)
    )
