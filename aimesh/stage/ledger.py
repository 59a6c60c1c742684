"""The two tables of a stage: jobs that are open, and jobs that were done."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any

from aimesh.faustfix import MeshApp
from aimesh.stage.job import Job

logger = logging.getLogger(__name__)

SLICE = 500


class Ledger:
    """Keeps what a stage must know after any crash.

    A job is open before its source message is acknowledged. It is marked as seen before it is
    closed, so that there is no moment at which neither table knows it. What is on this worker's
    disk may be ahead of what the broker has when the worker was killed in between, or a write was
    refused: so an open job that was found there counts as durable only when it was written once
    more, and one that is marked as seen is marked once more before it is closed.

    Arguments:
        app: whose tables they are.
        partitions: of each.
        prefix: before the tables' names.
    """

    def __init__(self, app: MeshApp, partitions: int, prefix: str = "") -> None:
        self._open = app.table(f"{prefix}open", partitions, "Jobs taken on and not finished.")
        self._seen = app.table(f"{prefix}seen", partitions, "Jobs that were finished.")
        # what is open, by key: the table is read only after a rebalance
        self._jobs: dict[str, Job] = {}
        self._durable: set[str] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    def jobs(self) -> list[Job]:
        """Return the open jobs, in no particular order."""
        return list(self._jobs.values())

    def find(self, key: str) -> Job | None:
        """Return the open job with this key."""
        return self._jobs.get(key)

    def was_seen(self, job: Job) -> bool:
        """Tell whether this very job was finished before."""
        return self._seen.look(job.key, job.partition) is not None

    def is_durable(self, key: str) -> bool:
        """Tell whether the broker is known to have an open job."""
        return key in self._durable

    def open(self, job: Job) -> asyncio.Future[Any]:
        """Write a job down as open, or its new owner; `confirm` it when the future is done.

        Raises:
            TooLargeError: the job would be larger than a message may be; nothing is written.
        """
        written = self._open.put(job.key, job.stored(), job.partition)
        self._jobs[job.key] = job
        return written

    def confirm(self, job: Job) -> None:
        """Note that the broker has a job as open."""
        if job.key in self._jobs:
            self._durable.add(job.key)

    def mark_seen(self, job: Job) -> asyncio.Future[Any]:
        """Remember a job as finished; done when the broker has it."""
        return self._seen.put(job.key, {"at": int(time.time())}, job.partition)

    async def close(self, job: Job) -> None:
        """Take a finished job off the open ones; it stays there until the broker has that."""
        await self._open.drop(job.key, job.partition)
        self._jobs.pop(job.key, None)
        self._durable.discard(job.key)

    async def reload(self, partitions: set[int]) -> None:
        """Read the open jobs of the partitions that this worker owns now."""
        found: dict[str, Job] = {}
        for partition in partitions:
            after = b""
            while items := self._open.slice_after(after, SLICE, partition):
                after = items[-1][0]
                found |= {job.key: job for job in _restored(value for _, _, value in items)}
                await asyncio.sleep(0)
        self._jobs, self._durable = found, set()

    def forget(self) -> None:
        """Drop the index while it is unknown which partitions are owned."""
        self._jobs, self._durable = {}, set()

    def expired(
        self, partition: int, after: bytes, before: float, limit: int
    ) -> tuple[bytes, list[str]]:
        """Look through some of the finished jobs of a partition.

        Arguments:
            after: where the last look ended; empty for the beginning.
            before: a Unix time; what was finished earlier has expired.
            limit: how many to look at.

        Returns:
            Where to go on, empty at the end; and the keys of those that have expired.
        """
        items = self._seen.slice_after(after, limit, partition)
        old = [key for _, key, value in items if value["at"] < before]
        return (items[-1][0] if len(items) == limit else b""), old

    def unsee(self, key: str, partition: int) -> asyncio.Future[Any]:
        """Forget a finished job."""
        return self._seen.drop(key, partition)


def _restored(values: Iterable[Any]) -> Iterable[Job]:
    for value in values:
        try:
            yield Job.restored(value)
        except TypeError as exc:
            logger.error("an open job cannot be read and is left alone: %s: %r", exc, value)
