"""Lets the digest of the tables grow with them, so that a diagnosis has little left to read."""

from __future__ import annotations

import asyncio
import logging

from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.diagnosing.following import Follower

logger = logging.getLogger(__name__)

PAUSE = 0.5
STEP = 0.005


class KeepingUp:
    """Reads on in short steps for as long as the worker runs.

    Arguments:
        observer: has the tables.
        follower: reads them.
    """

    def __init__(self, observer: TelemetryObserver, follower: Follower) -> None:
        self._observer = observer
        self._follower = follower
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            done = True
            try:
                if self._observer.ready:
                    done = self._follower.follow(self._observer.tables, STEP)
            except Exception:
                # a record that cannot be understood must not end the reading of others
                logger.exception("the telemetry's tables could not be read along with")
            await asyncio.sleep(PAUSE if done else 0.0)
