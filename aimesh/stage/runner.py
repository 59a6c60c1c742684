"""Runs a job's work outside of the stream: bounded, with a deadline, retried where it can help."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aimesh.errors import MeshError, UnavailableError
from aimesh.stage.job import Job, Send

logger = logging.getLogger(__name__)

Work = Callable[[Any, Job], Awaitable[Sequence[Send]]]

BACKOFF_FIRST = 0.5
BACKOFF_MOST = 30.0


def backoff(failures: int, wish: float | None = None) -> float:
    """Return the seconds to wait after so many failures in a row: doubling, with jitter.

    Arguments:
        failures: how often it has failed, from 1.
        wish: what the service itself asked for (a Retry-After), used instead where larger.
    """
    ceiling: float = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(failures - 1, 10))
    return max(wish or 0.0, ceiling * random.uniform(0.5, 1.0))


@dataclass(frozen=True)
class Result:
    """What came of a job: the messages to send, or why it can never be done."""

    sends: Sequence[Send] = ()
    error: str = ""
    error_type: str = ""
    started_at: float = field(default_factory=time.time)
    duration_s: float = 0.0
    tries: int = 1


class Runner:
    """Calls ``work`` until it has a result: services that are down are waited for without end.

    Any other failure is tried again ``tries`` times in all, and is then the result itself.
    """

    def __init__(self, work: Work, *, slots: int, deadline: float, tries: int) -> None:
        self._work = work
        self.slots = asyncio.Semaphore(slots)
        self.capacity = slots
        self.deadline = deadline
        self.tries = tries
        #: Why jobs are waiting to be tried again, by job key: (reason, since as a Unix time).
        self.waiting: dict[str, tuple[str, float]] = {}
        self.counts: Counter[str] = Counter()

    async def run(self, record: Any, job: Job) -> Result:
        """Do the work of a job; raises nothing but the cancellation of its task."""
        started_at, started = time.time(), time.monotonic()
        failures = tries = 0
        while True:
            failures += 1
            try:
                async with asyncio.timeout(self.deadline):
                    sends = await self._work(record, job)
            except UnavailableError as exc:
                problem: Exception = exc
                self.waiting.setdefault(job.key, (str(exc), time.time()))
            except Exception as exc:  # noqa: BLE001 - what escapes here would lose the job
                problem = exc
                tries += 1
                self._log_failure(job, exc, tries)
            else:
                self.waiting.pop(job.key, None)
                took = time.monotonic() - started
                return Result(sends, started_at=started_at, duration_s=took, tries=failures)
            if tries >= self.tries:
                self.waiting.pop(job.key, None)
                took = time.monotonic() - started
                return self._gave_up(problem, started_at, took, failures)
            self.counts["retried"] += 1
            await asyncio.sleep(backoff(failures, getattr(problem, "retry_after", None)))

    def _gave_up(self, problem: Exception, started_at: float, took: float, tries: int) -> Result:
        return Result(
            error=self._reason(problem),
            error_type=type(problem).__name__,
            started_at=started_at,
            duration_s=took,
            tries=tries,
        )

    def _reason(self, problem: Exception) -> str:
        if isinstance(problem, TimeoutError):
            return f"not done within its deadline of {self.deadline:g} s"
        return str(problem) or type(problem).__name__

    def _log_failure(self, job: Job, problem: Exception, tries: int) -> None:
        known = isinstance(problem, MeshError | TimeoutError)
        logger.warning(
            "job %s failed (%d of %d): %s",
            job.key,
            tries,
            self.tries,
            self._reason(problem),
            exc_info=None if known else problem,
            extra={"action": "job_failed", "task_id": job.task_id},
        )
