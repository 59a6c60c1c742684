"""Places at work, given to the most urgent of those who wait."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Gate:
    """Lets so many work at the same time; whoever waits goes in the order of urgency.

    Arguments:
        places: how many.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[Any, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not turn.done() for *_, turn in self._waiting)

    @asynccontextmanager
    async def place(self, urgency: Any) -> AsyncIterator[None]:
        """Hold a place while the body runs.

        Arguments:
            urgency: the least goes first; among equals, whoever came first.
        """
        await self._enter(urgency)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, urgency: Any) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # it was given the place at the same moment
            raise

    def _leave(self) -> None:
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
