"""Asking holds up nothing that happens: while the observer is behind, answers take their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

# what is answered from the telemetry's tables; clients that stay are told at their own pace
ASKED = tuple(
    f"/api/v1/{name}"
    for name in ("queues", "errors", "traces", "metrics", "agents", "claude", "oracle")
)
# while the observer is behind: after an answer, so many times as long as it took belongs to reading
SHARE = 9.0
# but an answer waits no longer than so many seconds
MOST_SECONDS = 0.25


class Yielding:
    """Lets answers wait for each other while there is more to read than was read so far.

    Both happen in one event loop. A program that asks as fast as it is answered would take half of
    it, and what agents say would be seen the later, the more is asked.

    Arguments:
        is_behind: tells whether the observer has more to read.
        clock: tells the time in seconds.
    """

    def __init__(
        self, is_behind: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._is_behind = is_behind
        self._clock = clock
        self._free_at = 0.0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer, perhaps a little later."""
        if not request.path.startswith(ASKED):
            return await handler(request)
        if pause := self.pause():
            await asyncio.sleep(pause)
        began = self._clock()
        try:
            return await handler(request)
        finally:
            ended = self._clock()
            self._free_at = max(self._free_at, ended) + SHARE * (ended - began)

    def pause(self) -> float:
        """Return the seconds that the next answer waits for its turn."""
        left = self._free_at - self._clock()
        if left > 0 and self._is_behind():
            return min(left, MOST_SECONDS)
        self._free_at = 0.0
        return 0.0
