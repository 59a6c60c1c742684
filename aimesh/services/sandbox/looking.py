"""Looks after the limits that the kernel does not hold by itself in some sets of layers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aimesh.services.sandbox.folders import measure, remove
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Report


class Overseer:
    """Measures one run from outside: its folder on disk and its threads."""

    def __init__(self, layers: Layers, limits: Limits, folder: Path | None) -> None:
        self._limits = limits
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
        return self._over(*await asyncio.to_thread(measure, self._folder, self._limits.inodes))

    async def clear(self) -> str:
        """Remove the folder after the run; tells what the last look found."""
        if self._folder is None:
            return ""
        try:
            self._folder.rmdir()
        except OSError:  # something is in it
            return await asyncio.to_thread(self._clear, self._folder)
        return ""

    def _clear(self, folder: Path) -> str:
        over = self._over(*measure(folder, self._limits.inodes))
        remove(folder)
        return over

    def _over(self, inodes: int, size: int) -> str:
        if inodes > self._limits.inodes:
            return "inodes"
        return "disk" if size > self._limits.disk else ""


def _threads_of(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(text.partition("\nThreads:")[2].split(None, 1)[0] or 0)
