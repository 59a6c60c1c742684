"""Waiting for a condition, in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil


async def until(condition: Callable[[], object], limit: float = 10.0) -> None:
    """Return as soon as the condition is true; TimeoutError after ``limit`` seconds."""
    async with asyncio.timeout(limit):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody has waited for yet counts as ended)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
