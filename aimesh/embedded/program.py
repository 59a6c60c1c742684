"""A program of this machine's mesh: its process, its log, and how one knows that it serves."""

from __future__ import annotations

import asyncio
import signal
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import httpx

from aimesh.embedded.child import Child
from aimesh.embedded.logfile import LogFile
from aimesh.errors import ProgramError

_LONGEST_LINE = 64 << 10
_START_LIMIT = 180.0


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


class Program(ABC):
    """A child process whose output goes to a log file, line by line.

    Arguments:
        name: what people call it.
        env: its whole environment.
        log: where its output is kept.
        on_line: told every line that it prints.
        pass_fds: file descriptors that it inherits.
        start_limit: seconds within which it must serve.
    """

    def __init__(
        self,
        name: str,
        *,
        env: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None] = lambda line: None,
        pass_fds: Sequence[int] = (),
        start_limit: float = _START_LIMIT,
    ) -> None:
        self.name = name
        self.log = LogFile(log)
        self._env = env
        self._on_line = on_line
        self._pass_fds = pass_fds
        self._start_limit = start_limit
        self._child: Child | None = None
        self._reader: asyncio.Task[None] | None = None

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command to run now."""

    @abstractmethod
    async def ready(self) -> None:
        """Return when the program serves."""

    @property
    def pid(self) -> int | None:
        """The process's id; None unless it is started."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Start the program and return when it serves.

        Raises:
            ProgramError: it ended, or does not serve in time; says what it printed last.
        """
        self.log.forget()
        try:
            self._child = await Child.spawn(
                self.command(), env=self._env, output=asyncio.subprocess.PIPE,
                pass_fds=self._pass_fds,
            )  # fmt: skip
        except OSError as exc:
            raise ProgramError(f"The {self.name} cannot be started: {exc.strerror}.") from exc
        self._reader = asyncio.create_task(self._read(self._child.output))
        try:
            await self._ready_or_ended()
        except BaseException:
            await self.stop(0)
            raise

    async def wait(self) -> int:
        """Wait until its process ends, and return how (negative for a signal)."""
        assert self._child is not None
        assert self._reader is not None
        code = await self._child.wait()
        # a process that it left behind may hold its output open
        await asyncio.wait([self._reader], timeout=1.0)
        return code

    async def stop(self, grace: float) -> None:
        """End it, and after ``grace`` seconds kill it. Harmless when it does not run."""
        if self._child is not None:
            await (self._child.stop(grace) if grace > 0 else self._child.kill())
            await self.wait()
            self._child = None

    def last_words(self) -> list[str]:
        """The last lines that it printed."""
        return self.log.last()

    async def _ready_or_ended(self) -> None:
        ready, ended = asyncio.ensure_future(self.ready()), asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait(
                {ready, ended}, timeout=self._start_limit, return_when=asyncio.FIRST_COMPLETED
            )
            if ready.done():
                ready.result()
            elif ended.done():
                raise self._failure(f"{ending(ended.result())} while it started")
            else:
                raise self._failure(f"is not ready after {self._start_limit:g} s")
        finally:
            ready.cancel()
            ended.cancel()

    def _failure(self, what: str) -> ProgramError:
        told = self.last_words()
        reason = f" Its last line: {told[-1].strip()}" if told else ""
        return ProgramError(f"The {self.name} {what}.{reason} (Its log: {self.log.path})")

    async def _read(self, output: asyncio.StreamReader) -> None:
        async for line in lines(output):
            self.log.write(line)
            self._on_line(line)


class WebProgram(Program):
    """A program that serves when an address answers 200."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        probe: str,
        *,
        env: Mapping[str, str],
        log: Path,
        on_line: Callable[[str], None] = lambda line: None,
        pass_fds: Sequence[int] = (),
        start_limit: float = _START_LIMIT,
    ) -> None:
        super().__init__(
            name, env=env, log=log, on_line=on_line, pass_fds=pass_fds, start_limit=start_limit
        )
        self._argv = argv
        self._probe = probe

    def command(self) -> Sequence[str]:
        return self._argv

    async def ready(self) -> None:
        # a proxy has no business between this machine and itself
        async with httpx.AsyncClient(trust_env=False, timeout=5.0) as client:
            while True:
                if await _is_ok(client, self._probe):
                    return
                await asyncio.sleep(0.1)


async def _is_ok(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


async def lines(output: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream, whatever bytes they are made of; very long ones come in pieces."""
    pending = b""
    while chunk := await output.read(1 << 16):
        *whole, pending = (pending + chunk).split(b"\n")
        if len(pending) > _LONGEST_LINE:
            whole, pending = [*whole, pending], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if pending:
        yield pending.decode(errors="replace")
