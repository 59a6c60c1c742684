"""Keeps the programs of one machine running: starts them again when they end by themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from aimesh.embedded.program import ending
from aimesh.errors import MeshError, ProgramError

_KILLED = (signal.SIGKILL, signal.SIGTERM)


class Service(Protocol):
    """What can be supervised."""

    @property
    def name(self) -> str:
        """What people call it."""

    async def start(self) -> None:
        """Start, and return when it serves; MeshError when it cannot."""

    async def wait(self) -> int:
        """Wait until it ends, and return its exit code (negative for a signal)."""

    async def stop(self, grace: float) -> None:
        """End it, by force after ``grace`` seconds; harmless when it does not run."""

    def last_words(self) -> list[str]:
        """The lines that tell best why it ended."""


@dataclass(frozen=True)
class Policy:
    """When an ended service is started again. Times are seconds."""

    first_pause: float = 0.5
    longest_pause: float = 10.0
    # a life shorter than this is a quick death, and so many in a row are the end
    short_life: float = 30.0
    quick_deaths: int = 5


@dataclass(frozen=True)
class _Kept:
    service: Service
    grace: float
    hurried_grace: float
    keeper: asyncio.Task[None]


class Supervisor:
    """Services in the order of their start, each watched by a task; ended in reverse order."""

    def __init__(
        self, group: asyncio.TaskGroup, tell: Callable[[str], None], policy: Policy
    ) -> None:
        self._group = group
        self._tell = tell
        self._policy = policy
        self._kept: list[_Kept] = []
        self._hurry = asyncio.Event()

    async def start(
        self, service: Service, *, grace: float, hurried_grace: float = 0.0, retry: bool = False
    ) -> None:
        """Start a service, and start it again from now on whenever it ends.

        Arguments:
            service: what to start.
            grace: seconds that it has to end when everything is stopped.
            hurried_grace: the same, when the user is in a hurry.
            retry: treat a first start that fails like a death, not as the end of everything.

        Raises:
            MeshError: it cannot be started at all.
        """
        try:
            await service.start()
        except ProgramError as exc:
            if not retry:
                raise
            await self._again(service, str(exc).rstrip("."), [], deaths=1)
        keeper = self._group.create_task(self._keep(service))
        self._kept.append(_Kept(service, grace, hurried_grace, keeper))

    def hurry(self) -> None:
        """From now on do not wait long for anything to end."""
        self._hurry.set()

    async def stop(self) -> None:
        """End all services, the youngest first."""
        for kept in self._kept:
            kept.keeper.cancel()
        await asyncio.gather(*(kept.keeper for kept in self._kept), return_exceptions=True)
        while self._kept:
            await self._end(self._kept.pop())

    async def _end(self, kept: _Kept) -> None:
        stopping = asyncio.ensure_future(kept.service.stop(kept.grace))
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)
            await kept.service.stop(kept.hurried_grace)
        else:
            stopping.result()
        hurry.cancel()

    async def _keep(self, service: Service) -> None:
        deaths, began = 0, monotonic()
        while True:
            code = await service.wait()
            short = monotonic() - began < self._policy.short_life
            deaths = deaths + 1 if short else 1
            what = f"The {service.name} {ending(code)}"
            # what was killed from outside had no last words
            words = [] if -code in _KILLED else [f"  {line}" for line in service.last_words()]
            deaths = await self._again(service, what, words, deaths)
            began = monotonic()

    async def _again(self, service: Service, what: str, words: list[str], deaths: int) -> int:
        """Start a service that has ended, until it serves; return how many deaths that makes."""
        while True:
            if deaths >= self._policy.quick_deaths:
                raise ProgramError(
                    f"{what}, the {deaths}th time within {self._policy.short_life:g} s of its "
                    "start, so it is given up." + "".join(f"\n{line}" for line in words)
                )
            pause = min(self._policy.first_pause * 2 ** (deaths - 1), self._policy.longest_pause)
            self._tell("\n".join([f"{what}; it is started again in {pause:g} s.", *words]))
            await service.stop(0)
            await asyncio.sleep(pause)
            try:
                began = monotonic()
                await service.start()
            except MeshError as exc:
                deaths, what, words = deaths + 1, str(exc).rstrip("."), []
            else:
                self._tell(f"The {service.name} serves again after {monotonic() - began:.1f} s.")
                return deaths


@asynccontextmanager
async def supervising(
    tell: Callable[[str], None], policy: Policy | None = None
) -> AsyncIterator[Supervisor]:
    """A supervisor for the body's services; all are ended when the body is left, however that is.

    Arguments:
        tell: told in a sentence what happens to the services.
        policy: when they are started again; a default when left out.

    Raises:
        ProgramError: a service was given up; the body is cancelled.
    """
    supervisor = None
    try:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(group, tell, policy or Policy())
            try:
                yield supervisor
            finally:
                await supervisor.stop()
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that the others came from."""
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
