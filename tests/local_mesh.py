"""`aimesh up` for tests: everything on this machine, as a user starts it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from aimesh.core.archive import ArchiveRow
from aimesh.embedded.ports import free_port
from aimesh.services.archive import Archive
from tests.mesh import OWN
from tests.waiting import gone, until
from tests.worker import Worker


class LocalMesh:
    """A running `aimesh up`; `worker` shows its worker through the API."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path, told: Path, port: int):
        self.process = process
        self.data = data
        self.worker = Worker(process, f"http://127.0.0.1:{port}", told)

    @property
    def kafka(self) -> str:
        """Where its Kafka listens."""
        found = re.search(r"Kafka +(127\.0\.0\.1:\d+)\n", self.worker.log.read_text())
        assert found, self.worker.tail()
        return found[1]

    def programs(self) -> dict[str, psutil.Process]:
        """Its Kafka, model and worker, by these names."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            marks = {"kafka": "kafka.Kafka", "model": "aimesh.embedded.rehearsal"}
            marks["worker"] = "aimesh worker"
            return {
                name: child
                for child in children
                for name, mark in marks.items()
                if mark in " ".join(child.cmdline())
            }
        return {}

    def rows(self) -> list[ArchiveRow]:
        """The rows of the archive."""
        return list(Archive(self.data / "ai_history.csv").rows())

    async def kill(self) -> None:
        """End all of it at once, as a crash of the machine would."""
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            for process in [own, *own.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        await self.process.wait()

    async def interrupt(self) -> int:
        """Press Ctrl-C, wait for the end, and see that nothing is left."""
        pids = [process.pid for process in self.programs().values()]
        os.killpg(self.process.pid, signal.SIGINT)
        code = await asyncio.wait_for(self.process.wait(), 60)
        await until(lambda: all(gone(pid) for pid in pids))
        return code


@asynccontextmanager
async def running_up(
    folder: Path, *, told: str = "up.log", **environ: str
) -> AsyncIterator[LocalMesh]:
    """Run `aimesh up` in a folder of its own; none of it outlives the body.

    Arguments:
        told: the file for what it tells.
        environ: variables beside those that keep it apart from other meshes on this machine.
    """
    port = free_port()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(OWN)}
    own = {
        "AIMESH_WEB_PORT": str(port),
        "AIMESH_KAFKA_PORT": str(free_port()),
        # where no model answers, so that it rehearses
        "OLLAMA_BASE_URL": f"http://127.0.0.1:{free_port()}",
    }
    with (folder / told).open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aimesh", "up",
            env={**inherited, **own, **environ}, cwd=folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    mesh = LocalMesh(process, folder / "data", folder / told, port)
    try:
        await mesh.worker.says("up in", 120)
        yield mesh
        await mesh.worker.hold_state()
    finally:
        await mesh.kill()
