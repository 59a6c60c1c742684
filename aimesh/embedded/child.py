"""A process that belongs to this one: it never outlives it, and ends when told to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

_GUARD = Path(__file__).with_name("guard.py")


class Child:
    """A running child process in a session of its own, so Ctrl-C in a terminal does not reach it.

    The kernel kills it when the thread that spawned it ends, so spawn it from a thread that lives
    as long as the program: the main one.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def spawn(
        cls,
        argv: Iterable[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        output: IO[Any] | int | None = None,
        pass_fds: Iterable[int] = (),
    ) -> Child:
        """Start a command.

        Arguments:
            argv: the command, by full path, and its arguments.
            env: its whole environment.
            cwd: its working folder; this process's own when left out.
            output: where stdout and stderr go: an open file, or ``asyncio.subprocess.PIPE``.
            pass_fds: file descriptors that it inherits.

        Raises:
            OSError: the process could not be made.
        """
        guarded = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), *map(str, argv)]
        process = await asyncio.create_subprocess_exec(
            *guarded,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def output(self) -> asyncio.StreamReader:
        """What it prints, when spawned with ``output=PIPE``."""
        assert self._process.stdout is not None
        return self._process.stdout

    async def wait(self) -> int:
        """Wait until it ends, and return how (negative for a signal)."""
        return await self._process.wait()

    async def stop(self, grace: float) -> int:
        """End it with SIGTERM, and after ``grace`` seconds with SIGKILL; return how it ended."""
        self.send(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End it and whatever it started in its session at once; return how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return await self.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
