"""Writing many rows without holding anybody up, until the broker has all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from aimesh.tables.telemetry.rows import Store

logger = logging.getLogger(__name__)

# writes between two chances for others to run, and up to the next wait for the broker
BREATH, PORTION = 8, 64
PAUSE = 1.0

# a store, a key, and its new value or None where it is to go
Write = tuple[Store, str, bytes | None]


class FeedLostError(Exception):
    """The feed has moved to another worker while its tables were being written."""


async def write_all(writes: Iterable[Write], holds: Callable[[], bool]) -> None:
    """Write rows down; return when the broker has all of them, however often that takes.

    Arguments:
        writes: what is to be written, made while it is being written.
        holds: tells whether this worker still has the feed.

    Raises:
        FeedLostError: it has not, nothing more was written.
    """
    portion: list[Write] = []
    for write in writes:
        portion.append(write)
        if len(portion) == PORTION:
            await _write_portion(portion, holds)
            portion = []
    await _write_portion(portion, holds)


async def _write_portion(portion: list[Write], holds: Callable[[], bool]) -> None:
    while portion:
        sent: list[tuple[Write, asyncio.Future[Any]]] = []
        for number, write in enumerate(portion, 1):
            if not holds():
                raise FeedLostError
            store, key, value = write
            if (future := store.write(key, value)) is not None:
                sent.append((write, future))
            if not number % BREATH:
                await asyncio.sleep(0)
        results = await asyncio.gather(*(f for _, f in sent), return_exceptions=True)
        portion = [w for (w, _), r in zip(sent, results, strict=True) if _failed(r)]
        if portion:
            await asyncio.sleep(PAUSE)


def _failed(result: Any) -> bool:
    if isinstance(result, BaseException):
        logger.warning("a table could not be written, trying again: %r", result)
        return True
    return False
