"""The way of a message from the consumer to its stream, without four tasks for each."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Generator
from typing import Any

from faust.transport.drivers import aiokafka as driver
from mode.services import WaitArgT, WaitResults


class HandingConsumer(driver.Consumer):
    """A consumer that hands a message on at once where nothing has to be waited for.

    To notice that the flow is suspended while a stream's queue is full, stock Faust makes a task
    for the delivery of every message, and three more to wait beside it: more work than the message
    itself is. Here a delivery is begun without any; only one that has to wait goes that way.
    """

    async def wait_first(self, *coros: WaitArgT, timeout: Any = None) -> WaitResults:
        """Wait for the first of several things; for a message's delivery only where it must be."""
        if not _is_delivery(coros):
            return await super().wait_first(*coros, timeout=timeout)
        delivery: Any
        suspended: Any
        delivery, suspended = coros
        try:
            awaited = delivery.send(None)
        except StopIteration:
            suspended.close()
            return WaitResults([delivery], [None], False)
        except BaseException:
            suspended.close()
            raise
        return await super().wait_first(_go_on(delivery, awaited), suspended, timeout=timeout)


def _is_delivery(coros: tuple[WaitArgT, ...]) -> bool:
    """Tell whether these are what Faust's loop over messages waits for."""
    return len(coros) == 2 and all(isinstance(coro, types.CoroutineType) for coro in coros)


async def _go_on(begun: Any, awaited: Any) -> None:
    """Go on with a coroutine that was begun by hand, and that waits for something."""
    await _steps(begun, awaited)


@types.coroutine
def _steps(begun: Any, awaited: Any) -> Generator[Any, Any, None]:
    try:
        yield awaited
    except BaseException as exc:
        with contextlib.suppress(StopIteration):
            begun.throw(exc)
        raise
    yield from begun
