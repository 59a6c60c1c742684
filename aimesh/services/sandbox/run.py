"""Follows one run from its start to its end on the event loop, and holds it to its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aimesh.services.sandbox.child_process import Child, read_some
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Report
from aimesh.services.sandbox.reports import read_status

# finds a limit that the kernel does not hold: returns its name or an empty string
Look = Callable[[Report], Awaitable[str]]

# how long the keeper may take to report after it was told to end the worker
_GRACE_S = 0.5
# far more than the keeper ever says
_MOST_STATUS = 8 << 20
_BETWEEN_LOOKS_S = 0.05


class Run:
    """One run: reads what it writes, ends it at a limit, and collects it."""

    def __init__(self, child: Child, limits: Limits) -> None:
        self.report = Report()
        self._child = child
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._output = bytearray()
        self._status = bytearray()

    async def follow(self, look: Look | None = None) -> Report:
        """Wait until nothing of the run is left, and tell what is known of it.

        Arguments:
            look: called from time to time while the run lasts.
        """
        began = time.monotonic()
        loop, child = self._loop, self._child
        loop.add_reader(child.output, self._read_output)
        loop.add_reader(child.status, self._read_status)
        loop.add_reader(child.pidfd, self._over.set)
        alarm = loop.call_later(self._limits.wall_s, self.stop, "wall")
        looking = loop.create_task(self._look(look)) if look else None
        try:
            await self._over.wait()
        finally:
            alarm.cancel()
            if looking:
                looking.cancel()
            child.kill()
            try:
                await self._over.wait()
            finally:
                self._collect(time.monotonic() - began)
        return self.report

    def stop(self, reason: str) -> None:
        """End the run because of a limit; the first reason is the one that counts."""
        if self.report.stopped:
            return
        self.report.stopped = reason
        self._child.ask_to_end()
        self._loop.call_later(_GRACE_S, self._kill_if_there)

    def _kill_if_there(self) -> None:
        if not self._over.is_set():
            self._child.kill()

    async def _look(self, look: Look) -> None:
        while True:
            await asyncio.sleep(_BETWEEN_LOOKS_S)
            if reason := await look(self.report):
                self.stop(reason)

    def _read_output(self) -> bool:
        return self._read(self._child.output, self._output, self._limits.output)

    def _read_status(self) -> bool:
        more = self._read(self._child.status, self._status, _MOST_STATUS)
        if not self.report.ready:
            read_status(bytes(self._status), self.report)
        return more

    def _read(self, fd: int, into: bytearray, most: int) -> bool:
        """Take one piece; whether there may be more."""
        piece = read_some(fd)
        if piece is None:
            return False
        into += piece
        if len(into) > most:
            del into[most:]
            self.report.truncated = True
            self.stop("output")
        elif piece:
            return True
        self._loop.remove_reader(fd)
        return False

    def _collect(self, wall_s: float) -> None:
        """Read what is left and forget the process.

        Pipes are read until they are empty, not until they are closed: in a set without a filter
        a process that left the group may hold them open.
        """
        child, report = self._child, self.report
        self._loop.remove_reader(child.pidfd)
        for fd, read in ((child.output, self._read_output), (child.status, self._read_status)):
            while read():
                pass
            self._loop.remove_reader(fd)
        usage = child.collect()
        report.output = bytes(self._output)
        report.wall_s = wall_s
        report.cpu_s, report.max_rss_bytes = usage.cpu_s, usage.max_rss_bytes
        # the keeper knows better, where it came to say so
        read_status(bytes(self._status), report)
