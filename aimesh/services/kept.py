"""An answer from outside that is kept for a while, so that nobody has to wait for it again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Asks the first time it is needed, and again in the background when that is old.

    Arguments:
        ask: gets the answer; must not raise anything but a cancellation.
        empty: what holds until there is an answer.
        seconds: how long an answer is fresh.
        patience: seconds that the first one is waited for.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[T]],
        empty: T,
        *,
        seconds: float = 15.0,
        patience: float = 3.0,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._patience = patience
        self._asking: asyncio.Task[None] | None = None
        self._asked_at: float | None = None
        #: The newest answer.
        self.value = empty

    async def refresh(self) -> T:
        """Return the newest answer; the first one is waited for, a later one only asked for."""
        first = self._asked_at is None
        if self._asking is None and (first or self._is_old()):
            self._asking = asyncio.create_task(self._update())
        if self._asking is not None and first:
            await asyncio.wait([self._asking], timeout=self._patience)
        return self.value

    def _is_old(self) -> bool:
        return time.monotonic() - (self._asked_at or 0.0) > self._seconds

    async def _update(self) -> None:
        try:
            self.value = await self._ask()
        finally:
            self._asked_at = time.monotonic()
            self._asking = None

    async def close(self) -> None:
        """Ask no more."""
        if (asking := self._asking) is not None:
            asking.cancel()
            await asyncio.wait({asking})
