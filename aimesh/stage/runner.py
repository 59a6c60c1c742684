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

from aimesh.errors import MeshError, TooLargeError, TooSlowError, UnavailableError
from aimesh.stage.job import Job, Rejected, Send, Skipped
from aimesh.topics import MOST_RECORD_BYTES

logger = logging.getLogger(__name__)

Work = Callable[[Any, Job], Awaitable[Sequence[Send]]]

BACKOFF_FIRST = 0.5
BACKOFF_MOST = 30.0

# How often a service may be too slow for a job before that is the job's own fault. While nothing
# else gets done either, it is rather the service's: each time counts for a fifth only.
SLOW_TRIES = 5
STALLED_SHARE = 0.2


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
    """What came of a job: the messages to send as they are stored, or why it can never be done."""

    sends: Sequence[dict[str, Any]] = ()
    error: str = ""
    error_type: str = ""
    started_at: float = field(default_factory=time.time)
    duration_s: float = 0.0
    tries: int = 1


class _Course:
    """How a job's work has gone so far."""

    def __init__(self) -> None:
        self.at, self._began = time.time(), time.monotonic()
        self.failures = 0
        self.tries = 0
        self.slow = 0.0

    def ended(
        self, sends: Sequence[dict[str, Any]] = (), problem: str = "", kind: str = ""
    ) -> Result:
        took = time.monotonic() - self._began
        tries = self.failures + (not problem)
        return Result(sends, problem, kind, self.at, took, tries)


class Runner:
    """Calls ``work`` until it has a result.

    Services that are down are waited for without end. Any other failure is tried again, ``tries``
    times in all, and is then the result itself; so is a service that is too slow for this job
    again and again.
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
        self._done = 0

    async def run(
        self, record: Any, job: Job, may_go_on: Callable[[], bool] = lambda: True
    ) -> Result | None:
        """Do the work of a job; raises nothing but the cancellation of its task.

        Arguments:
            may_go_on: asked before every further try, as the job may belong to another worker.

        Returns:
            What came of it, None where it may not go on.
        """
        course = _Course()
        try:
            while True:
                done_before = self._done
                try:
                    sends = await self._tried(record, job)
                except Exception as exc:  # noqa: BLE001 - what escapes here would lose the job
                    course.failures += 1
                    if self._is_final(exc, job, course, done_before):
                        return self._given_up(exc, course)
                    self.counts["retried"] += 1
                    wish = getattr(exc, "retry_after", None)
                    await asyncio.sleep(backoff(course.failures, wish))
                    if not may_go_on():
                        return None
                else:
                    self._done += 1
                    return course.ended(sends)
        finally:
            self.waiting.pop(job.key, None)

    async def _tried(self, record: Any, job: Job) -> list[dict[str, Any]]:
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(self.deadline):
                return _fitting([send.stored() for send in await self._work(record, job)])
        except Skipped:
            return []
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            # something inside of the work was cancelled, not the work
            raise RuntimeError("cancelled from within") from None

    def _is_final(self, exc: Exception, job: Job, course: _Course, done_before: int) -> bool:
        if isinstance(exc, UnavailableError):
            self.waiting.setdefault(job.key, (str(exc), time.time()))
        if isinstance(exc, TooSlowError):
            course.slow += 1 if self._done > done_before else STALLED_SHARE
            return course.slow > SLOW_TRIES - STALLED_SHARE / 2
        if isinstance(exc, UnavailableError):
            return False
        course.tries += 1
        self._log_failure(job, exc, course.tries)
        return course.tries >= self.tries or isinstance(exc, Rejected | TooLargeError)

    def _given_up(self, exc: Exception, course: _Course) -> Result:
        reason = self._reason(exc)
        if isinstance(exc, TooSlowError):
            reason = f"{reason}, tried {course.failures} times"
        return course.ended(problem=reason, kind=type(exc).__name__)

    def _reason(self, exc: Exception) -> str:
        if isinstance(exc, TimeoutError):
            return f"not done within its deadline of {self.deadline:g} s"
        return str(exc) or type(exc).__name__

    def _log_failure(self, job: Job, exc: Exception, tries: int) -> None:
        known = isinstance(exc, MeshError | TimeoutError | Rejected)
        logger.warning(
            "job %s failed (%d of %d): %s",
            job.key,
            tries,
            self.tries,
            self._reason(exc),
            exc_info=None if known else exc,
            extra={"action": "job_failed", "task_id": job.task_id},
        )


def _fitting(sends: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for send in sends:
        if (size := len(send["text"].encode())) > MOST_RECORD_BYTES:
            raise TooLargeError.of(send["topic"], size, MOST_RECORD_BYTES)
    return sends
