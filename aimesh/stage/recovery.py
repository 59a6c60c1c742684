"""Restarts open jobs that nobody runs: after a crash, a rebalance, a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from aimesh.stage.job import Job
from aimesh.stage.runner import BACKOFF_MOST, Result

if TYPE_CHECKING:
    from aimesh.stage.stage import Stage

logger = logging.getLogger(__name__)

INTERVAL = 0.5
# seconds for what a live owner has finished to arrive here
GRACE = 5.0
# A job at which its worker ends again and again is restarted later and later, so that others that
# were at work at the same time can be finished in between, and given up in the end. Of several such
# one is restarted at a time: which of them it is shows only when it is at work without the others.
SUSPICIOUS = 5
MOST_RESTARTS = 20


class Recovery:
    """Watches the open jobs of the partitions that this worker owns.

    A job whose owner is gone, or has given it back, is started again at once. One whose owner still
    lives, but lost the partition, gets the job's deadline to deliver its result. None is started
    before the results that are already recorded have been read, so that no answer is paid for
    twice.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._recorded: dict[int, int] | None = None
        self._first_seen: dict[str, float] = {}
        # jobs that were given back, each with the owner that did
        self._given_back: dict[str, str] = {}
        self._active = False

    def suspend(self) -> None:
        """Stop restarting: it is not known which partitions are owned."""
        self._active = False
        self._recorded = None

    def resume(self) -> None:
        """Look again at what the new assignment holds."""
        self._recorded = None
        self._first_seen = {
            key: at for key, at in self._first_seen.items() if self._stage.ledger.find(key)
        }
        self._given_back = {
            key: owner for key, owner in self._given_back.items() if self._stage.ledger.find(key)
        }
        self._active = True

    def given_back(self, key: str, owner: str) -> None:
        """Note that an owner, which may live on, no longer works on a job."""
        self._given_back[key] = owner

    async def watch(self) -> None:
        """Run for as long as the application does."""
        while not self._stage.app.should_stop:
            try:
                await self._look()
            except Exception:
                # ends with the application; a failed look is repeated
                logger.exception("%s: could not look for open jobs", self._stage.name)
            await asyncio.sleep(INTERVAL)

    async def _look(self) -> None:
        stage = self._stage
        if not self._active or stage.stopping or stage.app.rebalancing or stage.app.in_recovery:
            return
        if self._recorded is None:
            self._recorded = await self._ends_of_results()
        members = stage.app.members()
        for job in sorted(stage.ledger.jobs(), key=lambda job: job.restarts):
            if self._is_idle(job) and self._is_due(job, members) and self._may_begin(job):
                self._first_seen.pop(job.key, None)
                self._given_back.pop(job.key, None)
                stage.running[job.key] = stage.spawn(stage.restart(job))

    async def _ends_of_results(self) -> dict[int, int]:
        stage = self._stage
        partitions = [stage.results_partition(number) for number in stage.owned]
        if not partitions:
            return {}
        ends = await stage.app.consumer.highwaters(*partitions)
        return {tp.partition: end or 0 for tp, end in ends.items()}

    def _is_idle(self, job: Job) -> bool:
        stage = self._stage
        if job.key in stage.running or stage.finisher.is_closing(job.key):
            return False
        return job.partition in stage.owned and self._results_read(job.partition)

    def _is_due(self, job: Job, members: set[str]) -> bool:
        stage, pause = self._stage, 0.0
        is_free = job.owner in (stage.owner, self._given_back.get(job.key))
        if job.owner in members and not is_free:
            pause = stage.runner.deadline + GRACE
        elif job.restarts >= SUSPICIOUS:
            pause = min(BACKOFF_MOST, 2.0 ** (job.restarts - SUSPICIOUS))
        first_seen = self._first_seen.setdefault(job.key, time.monotonic())
        return time.monotonic() - first_seen >= pause

    def _may_begin(self, job: Job) -> bool:
        """Tell whether no other suspicious job is at work, where this is one."""
        at_work = map(self._stage.ledger.find, self._stage.running)
        return job.restarts < SUSPICIOUS or not any(
            other is not None and other.restarts >= SUSPICIOUS for other in at_work
        )

    def _results_read(self, partition: int) -> bool:
        recorded = (self._recorded or {}).get(partition, 0)
        committed = self._stage.app.committed(self._stage.results_partition(partition))
        return max(self._stage.finisher.reached.get(partition, 0), committed) >= recorded


def fatal(job: Job) -> Result | None:
    """Return the result of a job at which its workers end again and again, None for any other."""
    if job.restarts < MOST_RESTARTS:
        return None
    return Result(
        error=f"its worker ended {job.restarts} times while it was at work",
        error_type="WorkerEndedError",
    )
