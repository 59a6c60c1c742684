"""The feed as Server-Sent Events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import aclosing

from aiohttp import web

from aimesh.services.feed import FeedHub, StreamEvent, Subscription
from aimesh.views.problems import Problem, integer

logger = logging.getLogger(__name__)

PATH = "/api/v1/mesh/stream"
RECENT, RECENT_MOST = 200, 1000
RETRY_MS = 2000
HEARTBEAT_SECONDS = 15.0
# a client that takes nothing for so long is gone, or may come back
STUCK_SECONDS = 60.0
MOST_STREAMS = 1000

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # tells nginx not to collect events before it passes them on
    "X-Accel-Buffering": "no",
}


def routes(hub: FeedHub) -> list[web.RouteDef]:
    """Return the route of the stream. It ends all of its connections when the hub stops."""
    return [web.get(PATH, Stream(hub).get, allow_head=False)]


class Stream:
    """Serves the feed to clients, each on a connection that stays open."""

    def __init__(self, hub: FeedHub) -> None:
        self._hub = hub
        self._open = 0

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer with the recent past, or what came after ``Last-Event-ID``, and what comes."""
        recent = integer(request, "recent", RECENT, RECENT_MOST, least=0)
        if self._open >= MOST_STREAMS:
            raise Problem(503, "Too many streams", f"{MOST_STREAMS} streams are open, try later")
        kinds = frozenset(filter(None, ",".join(request.query.getall("kinds", ())).split(",")))
        subscription = self._hub.subscribe(
            # a browser that reconnects keeps the address and sends the newer header
            request.headers.get("Last-Event-ID") or request.query.get("Last-Event-ID"),
            recent,
            kinds or None,
            request.query.get("task_id") or None,
        )
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        self._open += 1
        try:
            await _serve(response, subscription)
        except (ConnectionError, TimeoutError) as exc:
            logger.debug("a client of the stream is gone: %r", exc)
        finally:
            self._open -= 1
        return response


async def _serve(response: web.StreamResponse, subscription: Subscription) -> None:
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    async with aclosing(subscription.batches(HEARTBEAT_SECONDS)) as batches:
        async for batch in batches:
            async with asyncio.timeout(STUCK_SECONDS):
                await response.write(frames(batch) or heartbeat(subscription.place))


def frames(events: Iterable[StreamEvent]) -> bytes:
    """Return events as they are sent."""
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.kind.encode(), event.data)
        for event in events
    )


def heartbeat(place: str) -> bytes:
    """Return what is sent when nothing happens: keeps the connection, and the client's place.

    A block with an id and no data is no event, but a browser remembers its id.
    """
    return f": still here\nid: {place}\n\n".encode() if place else b": still here\n\n"
