"""Timers of one process that tick together: what they send then goes out, and comes in, at once."""

from __future__ import annotations

import asyncio
import time

# of a timer's interval: a tick that comes so early is this one still, not the next
EARLY = 0.01


async def tick(seconds: float) -> None:
    """Sleep until this process's clock is at the next whole multiple of so many seconds."""
    left = seconds - time.monotonic() % seconds
    await asyncio.sleep(left if left > EARLY * seconds else left + seconds)
