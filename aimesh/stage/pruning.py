"""Forgets jobs that were finished long ago, a few at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimesh.stage.stage import Stage

logger = logging.getLogger(__name__)

SLICE = 200
INTERVAL = 0.5
# between two rounds through all that is remembered
PAUSE = 600.0
# a wall clock that has jumped further than this since the start is not believed
MOST_DRIFT = 3600.0


class Pruning:
    """Goes round the finished jobs of the partitions that this worker owns.

    Arguments:
        retention: seconds for which a finished job is remembered.
    """

    def __init__(self, stage: Stage, retention: float) -> None:
        self._stage = stage
        self._retention = retention
        self._clock = time.time() - time.monotonic()

    async def run(self) -> None:
        """Run for as long as the application does."""
        while not self._stage.app.should_stop:
            try:
                await self.round()
            except Exception:
                # an exception that escapes would end the worker
                logger.exception("%s: could not forget old jobs", self._stage.name)
            await asyncio.sleep(PAUSE)

    async def round(self) -> int:
        """Go round once; return how many jobs were forgotten."""
        count = 0
        for partition in sorted(self._stage.owned):
            after = b""
            while self._may_look(partition):
                before = time.time() - self._retention
                after, keys = self._stage.ledger.expired(partition, after, before, SLICE)
                await asyncio.gather(*(self._stage.ledger.unsee(k, partition) for k in keys))
                count += len(keys)
                if not after:
                    break
                await asyncio.sleep(INTERVAL)
        if count:
            self._stage.counts["forgotten"] += count
        return count

    def _may_look(self, partition: int) -> bool:
        stage = self._stage
        drift = abs(time.time() - time.monotonic() - self._clock)
        if drift > MOST_DRIFT:
            logger.warning("the clock has jumped by %.0f s: nothing is forgotten", drift)
            return False
        quiet = not (stage.stopping or stage.app.rebalancing or stage.app.in_recovery)
        return quiet and partition in stage.owned
