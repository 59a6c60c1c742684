"""Word of something new, for any number of those who wait for it."""

from __future__ import annotations

import asyncio


class Announcer:
    """Wakes all who wait at the moment; whoever waits afterwards waits for the next time."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        #: How many wait right now.
        self.waiting = 0

    async def news(self, timeout: float) -> bool:
        """Wait until something comes; False after ``timeout`` seconds without."""
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return True

    def _announce(self) -> None:
        """Wake all who wait."""
        news, self._news = self._news, asyncio.Event()
        news.set()
