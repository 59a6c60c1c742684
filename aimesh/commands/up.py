"""`aimesh up`: everything on this machine with one command, and all of it ended with Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from aimesh.commands import running
from aimesh.commands.local_mesh import LocalMesh
from aimesh.commands.screen import Screen
from aimesh.embedded import rehearsal_program
from aimesh.embedded.lock import FolderLock
from aimesh.embedded.supervisor import Policy, Supervisor, supervising
from aimesh.errors import MeshError, SettingsError, UnavailableError
from aimesh.settings import Settings

WORKER = (sys.executable, "-m", "aimesh", "worker", "--loglevel", "info")
LOCK = running.LOCK
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ASKED_TO_STOP, _FAILED, _SERVICE_MISSING = 0, 1, 3


async def up(
    settings: Settings,
    *,
    fresh: bool,
    console: Console,
    confirm: Callable[[str], bool],
    environ: Mapping[str, str] | None = None,
    worker: Sequence[str] = WORKER,
    rehearsal: Sequence[str] = rehearsal_program.MODULE,
    policy: Policy | None = None,
) -> int:
    """Run the mesh on this machine until SIGINT, SIGTERM or SIGHUP; needs the main thread.

    Arguments:
        settings: what the mesh is set to; all that is kept on disk lies in its data folder.
        fresh: delete the data folder's content first, if ``confirm`` says yes.
        console: where to tell what happens.
        confirm: asks the user a question.
        environ: the environment that the worker inherits; this process's own when left out.
        worker: the command of the worker.
        rehearsal: the command of the rehearsal model.
        policy: when what has ended is started again.

    Returns:
        The exit code: 0 after an orderly stop, 1 when something failed, 3 when a service that the
        settings name is not there.
    """
    # what should be known is told on the screen, not by whatever the libraries log
    for name in ("aimesh", "aiokafka"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    screen = Screen(console)
    settings = replace(settings, data=settings.data.absolute())
    lock = FolderLock(settings.data / LOCK)
    try:
        await _own(settings.data, lock)
        if fresh and not _emptied(settings, confirm, screen):
            return _FAILED
        mesh = LocalMesh(
            settings, screen, os.environ if environ is None else environ, worker, rehearsal, lock.fd
        )
        return await _until_stopped(mesh, screen, policy or Policy())
    except UnavailableError as exc:
        screen.fail(str(exc))
        return _SERVICE_MISSING
    except MeshError as exc:
        screen.fail(str(exc))
        return _FAILED
    finally:
        running.forget(settings.data)
        lock.release()


async def _own(data: Path, lock: FolderLock) -> None:
    """Make the data folder and be the only one who uses it."""
    try:
        os.makedirs(data, exist_ok=True)
        # patience: programs of one that was just killed hold the lock until they are gone
        owned = await lock.acquire(patience=2.0)
    except OSError as exc:
        raise SettingsError(
            f"{data} cannot hold the data: {exc.strerror}. Name another folder in AIMESH_DATA."
        ) from exc
    if not owned:
        raise SettingsError(
            f"`aimesh up` runs on {data} already (process {lock.holder()}): "
            "stop that one, or name another folder in AIMESH_DATA."
        )


def _emptied(settings: Settings, confirm: Callable[[str], bool], screen: Screen) -> bool:
    """Delete what is in the data folder, if the user wants it."""
    data = settings.data.resolve()
    if any(data in (path, *path.parents) for path in (Path("~").expanduser(), Path.cwd())):
        raise SettingsError(f"{data} holds more than the mesh's data, so it is not emptied.")
    entries = [entry for entry in data.iterdir() if entry.name != LOCK]
    if not entries:
        return True
    names = ", ".join(sorted(entry.name for entry in entries))
    with _interruptible():
        if not confirm(f"Delete everything in {data} ({names})?"):
            screen.note("Nothing was deleted.")
            return False
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    screen.done(f"{data} is empty")
    if settings.kafka:
        screen.note(f"The topics at {settings.kafka} stay as they are.")
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt a question, which the event loop's own handler would not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def _until_stopped(mesh: LocalMesh, screen: Screen, policy: Policy) -> int:
    stop = _Stop(screen)

    async def run() -> None:
        async with supervising(screen.note, policy) as supervisor:
            stop.supervisor = supervisor
            await mesh.start(supervisor)
            await asyncio.Event().wait()

    task = asyncio.ensure_future(run())
    with stop.listening(task):
        try:
            await asyncio.wait({task})
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
    if stop.asked and task.cancelled():
        screen.done("stopped")
        return _ASKED_TO_STOP
    await task
    return _FAILED


class _Stop:
    """What signals do: the first ends everything in order, the next makes it quicker."""

    def __init__(self, screen: Screen) -> None:
        self.asked = False
        self.supervisor: Supervisor | None = None
        self._screen = screen

    @contextmanager
    def listening(self, task: asyncio.Task[None]) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal, task)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _on_signal(self, task: asyncio.Task[None]) -> None:
        if self.asked:
            self._screen.note("stopping at once")
            if self.supervisor is not None:
                self.supervisor.hurry()
            return
        self.asked = True
        self._screen.note("stopping: the worker ends its work first (again: at once)")
        task.cancel()
