"""Ends a worker that is told to stop, however long its parts would take."""

from __future__ import annotations

import logging
import os
import threading

logger = logging.getLogger(__name__)


def leave_within(seconds: float) -> None:
    """End this process with exit code 0 at the latest after so many seconds.

    Stopping may wait for a broker that is away, or for a group that is being shared out anew.
    Nothing is lost by not waiting: all that matters is durable, and the next owner goes on from it.
    """

    def leave() -> None:
        logger.warning("stopping took over %s s: leaving what is open to the next owner", seconds)
        logging.shutdown()
        os._exit(0)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
