"""A compared worker as a process of its own, which can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import psutil

from bench.pipeline.contenders import Contender
from bench.pipeline.hops.place import Place

# a process is calm that takes less than this share of a core for so many seconds
CALM_SHARE, CALM_SECONDS = 0.3, 2.0
CALM_LIMIT = 300.0


class Worker:
    """Runs a contender's worker, with all processes that it makes."""

    def __init__(self, contender: Contender, place: Place) -> None:
        self._contender = contender
        self._place = place
        self.folder = place.folder
        self._log = place.folder / f"{place.id}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        module, *arguments = self._contender.program
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"bench.pipeline.hops.{module}", *arguments,
                env={**os.environ, **self._place.environ()},
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def kill(self) -> None:
        """End all of it at once, as the kernel does when memory is out."""
        assert self._process is not None
        if self._process.returncode is not None:
            raise SystemExit(f"{self._contender.name} has ended:\n{self.tail()}")
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """End it, whatever it does."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    def processor_time(self) -> float:
        """Return the seconds of processor time that its processes have used."""
        assert self._process is not None
        own = psutil.Process(self._process.pid)
        return sum(processor_time(p.pid) for p in [own, *own.children(recursive=True)])

    def memory(self) -> int:
        """Return the bytes of memory that its own process has."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def tail(self) -> str:
        """Return the end of what it logged."""
        return self._log.read_text(errors="replace")[-3000:]


async def until_calm(pid: int) -> None:
    """Wait until a process has worked off what it was given: what it keeps may still be written."""
    async with asyncio.timeout(CALM_LIMIT):
        used = float("inf")
        while used > CALM_SHARE * CALM_SECONDS:
            before = processor_time(pid)
            await asyncio.sleep(CALM_SECONDS)
            used = processor_time(pid) - before


def processor_time(pid: int | None) -> float:
    """Return the seconds of processor time that a process has used; 0 for none."""
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
