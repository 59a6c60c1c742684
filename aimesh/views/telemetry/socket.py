"""``/ws/debug/{client_id}``: what happens right now, filtered, for debuggers."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from aimesh.tables.telemetry.live import Live, Wanted
from aimesh.views.problems import Problem
from aimesh.views.telemetry.common import Source

logger = logging.getLogger(__name__)

PATH = "/ws/debug/{client_id}"
MOST_CLIENTS = 1000
MOST_MESSAGE = 64 << 10
MOST_FILTERS = 200
FILTERS = ("trace_ids", "agent_names", "event_types")
# seconds between two portions for a client; what all clients get together in that time
TICK = 0.1
PORTION_OF_ALL = 600
LEAST_PORTION = 10
# seconds without an answer to a ping, or to what was sent, until a client counts as dead
DEAD_SECONDS = 30.0
_CLIENT = re.compile(r"[\w.:@-]{1,100}")


class DebugSocket:
    """Serves clients that watch; a slow one is told how much it has missed."""

    def __init__(self, source: Source, live: Live) -> None:
        self._source = source
        self._live = live

    def routes(self) -> list[web.RouteDef]:
        """Return the socket's path."""
        return [web.get(PATH, self.get, allow_head=False)]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Push errors and messages to a client until it goes."""
        if not _CLIENT.fullmatch(request.match_info["client_id"]):
            raise Problem(422, "Bad client id", "a client id has letters, digits and ._:@- only")
        if not web.WebSocketResponse().can_prepare(request).ok:
            raise Problem(426, "WebSocket needed", "this path speaks WebSocket only")
        head = self._source.tables.next - 1
        if self._live.connections >= MOST_CLIENTS:
            raise Problem(503, "Too many clients", f"{MOST_CLIENTS} are connected, try later")
        socket = web.WebSocketResponse(heartbeat=DEAD_SECONDS, max_msg_size=MOST_MESSAGE)
        self._live.connections += 1
        try:
            await socket.prepare(request)
            await _Client(socket, self._live, head).serve()
        finally:
            self._live.connections -= 1
        return socket


class _Client:
    """One client: what it wants, and how far it has got."""

    def __init__(self, socket: web.WebSocketResponse, live: Live, ordinal: int) -> None:
        self._socket = socket
        self._live = live
        self._ordinal = ordinal
        self._wanted = Wanted()

    async def serve(self) -> None:
        """Push to the client and answer it, until either has ended."""
        pushing = asyncio.create_task(self._push())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._send(self._answer(message.data))
                if pushing.done():
                    break
        except (ConnectionError, TimeoutError) as exc:
            logger.debug("a client is gone: %r", exc)
        finally:
            pushing.cancel()
            await asyncio.wait({pushing})

    # -- what the client says

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            asked = orjson.loads(text)
        except ValueError:
            return _refused("it is not JSON")
        kind = asked.get("type") if isinstance(asked, dict) else None
        if kind == "ping":
            return {"type": "pong"}
        if kind != "subscribe":
            return _refused('its type must be "subscribe" or "ping"')
        filters = {name: asked.get(name) or [] for name in FILTERS}
        for name, values in filters.items():
            texts = isinstance(values, list) and all(isinstance(v, str) for v in values)
            if not texts or len(values) > MOST_FILTERS:
                return _refused(f"{name} must be a list of {MOST_FILTERS} texts at most")
        self._wanted = Wanted(*(frozenset(filters[name]) for name in FILTERS))
        return {"type": "subscription_updated", "subscription": filters}

    # -- what the client gets

    async def _push(self) -> None:
        try:
            while not self._live.closed:
                if self._behind():
                    await self._push_some()
                    await asyncio.sleep(TICK)
                else:
                    await self._live.news(DEAD_SECONDS)
            await self._close()
        except (ConnectionError, TimeoutError) as exc:
            logger.debug("a client is gone: %r", exc)
            await self._close()

    def _behind(self) -> bool:
        return self._live.last > self._ordinal

    async def _push_some(self) -> None:
        first, last = self._live.first, self._live.last
        share = max(LEAST_PORTION, PORTION_OF_ALL // max(1, self._live.connections))
        if first is not None and first > self._ordinal + 1:
            goes_on_after = max(first - 1, last - share)
            missed, self._ordinal = goes_on_after - self._ordinal, goes_on_after
            await self._send({"type": "gap", "missed": missed, "reason": "you are too slow"})
        sent = 0
        while sent < share and (some := self._live.after(self._ordinal, share)):
            for told in some:
                self._ordinal = told.ordinal
                if self._wanted.admits(told):
                    async with asyncio.timeout(DEAD_SECONDS):
                        await self._socket.send_frame(told.data, WSMsgType.TEXT)
                    sent += 1

    async def _send(self, body: dict[str, Any]) -> None:
        async with asyncio.timeout(DEAD_SECONDS):
            await self._socket.send_frame(orjson.dumps(body), WSMsgType.TEXT)

    async def _close(self) -> None:
        # not waiting for its answer: it may be gone
        await self._socket.close(drain=False)


def _refused(reason: str) -> dict[str, Any]:
    return {"type": "refused", "reason": reason}
