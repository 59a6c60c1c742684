"""The two tables of a stage: jobs that are open, and jobs that were done."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aimesh.faustfix import MeshApp, Position, writing_for
from aimesh.stage.job import Job


class Ledger:
    """Keeps what a stage must know after any crash; every change returns a future of durability.

    A job is open before its source message is acknowledged. It is marked as seen before it is
    closed, so that there is no moment at which neither table knows it.
    """

    def __init__(self, app: MeshApp, source: str, partitions: int) -> None:
        self._source = source
        self._open = app.table("open", partitions, "Jobs taken on and not finished.")
        self._seen = app.table("seen", partitions, "Jobs that were finished.")
        # what is open, by key: the table is read only after a rebalance
        self._jobs: dict[str, Job] = {}

    def _position(self, job: Job) -> Position:
        return Position(self._source, job.partition)

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
        with writing_for(self._position(job)):
            return self._seen.get(job.key) is not None

    def open(self, job: Job) -> asyncio.Future[Any]:
        """Write a job down as open, or its new owner."""
        self._jobs[job.key] = job
        with writing_for(self._position(job)):
            return self._open.put(job.key, job.stored())

    def mark_seen(self, job: Job) -> asyncio.Future[Any]:
        """Remember a job as finished."""
        with writing_for(self._position(job)):
            return self._seen.put(job.key, {"at": int(time.time())})

    def close(self, job: Job) -> asyncio.Future[Any]:
        """Take a finished job off the open ones."""
        self._jobs.pop(job.key, None)
        with writing_for(self._position(job)):
            return self._open.drop(job.key)

    def reload(self, partitions: set[int]) -> None:
        """Read the open jobs of the partitions that this worker owns now."""
        jobs = [Job.restored(value) for value in self._open.values()]
        self._jobs = {job.key: job for job in jobs if job.partition in partitions}

    def forget(self) -> None:
        """Drop the index while it is unknown which partitions are owned."""
        self._jobs = {}
