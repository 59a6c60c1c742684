"""Looks after the limits that the kernel does not hold by itself in some sets of layers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from aimesh.services.sandbox.folders import measure, remove
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Report

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

# Files that were removed while open take room that no look at the folder finds. All that a run ever
# wrote bounds it; programs write more than they keep, so this much more is let through.
_WRITTEN_OVER_KEPT = 8


class Overseer:
    """Measures one run from outside: its folder on disk, what it wrote, and its threads."""

    def __init__(
        self, layers: Layers, limits: Limits, folder: Path | None, pool: ThreadPoolExecutor
    ) -> None:
        """Look after one run.

        Arguments:
            layers: those of the run, which tell what the kernel looks after.
            limits: those of the run.
            folder: its working folder on disk, if it has one.
            pool: threads for work on the disk; nobody else's, so that a look is never late.
        """
        self._limits = limits
        self._pool = pool
        self._folder = folder
        self._threads = limits.threads if layers.rlimits and not layers.counts_threads else 0

    @property
    def needed(self) -> bool:
        """Whether there is anything to look at."""
        return self._folder is not None or self._threads > 0

    async def look(self, report: Report) -> str:
        """The name of a limit that the run has passed, or an empty string."""
        if self._threads and report.worker and _threads_of(report.worker) > self._threads:
            return "threads"
        if self._folder is None:
            return ""
        if report.worker and _written_by(report.worker) > self._limits.disk * _WRITTEN_OVER_KEPT:
            return "disk"
        try:
            found = await self._in_thread(measure, self._folder, self._limits.inodes)
        except OSError as error:
            _log.warning("the working folder %s could not be measured: %s", self._folder, error)
            return "unmeasured"
        return self._over(*found)

    async def clear(self) -> str:
        """Remove the folder after the run; tells what the last look found."""
        if self._folder is None:
            return ""
        try:
            self._folder.rmdir()
        except OSError:  # something is in it
            return await self._in_thread(self._clear, self._folder)
        return ""

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def _clear(self, folder: Path) -> str:
        over = ""
        try:
            over = self._over(*measure(folder, self._limits.inodes))
            remove(folder)
        except OSError as error:
            # the verdict stands; the sandbox's end, or the next one's start, tries again
            _log.warning("the working folder %s could not be removed: %s", folder, error)
        return over

    def _over(self, inodes: int, size: int) -> str:
        if inodes > self._limits.inodes:
            return "inodes"
        return "disk" if size > self._limits.disk else ""


def _threads_of(pid: int) -> int:
    return _numbers(f"/proc/{pid}/status").get("Threads", 0)


def _written_by(pid: int) -> int:
    numbers = _numbers(f"/proc/{pid}/io")
    # the first counts what was passed to write, the second also what memory maps changed
    return max(numbers.get("wchar", 0), numbers.get("write_bytes", 0))


def _numbers(path: str) -> dict[str, int]:
    """The lines of the form ``name: number``; none when the process is gone."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name: int(value) for name, _, value in pairs if value.strip().isdecimal()}
