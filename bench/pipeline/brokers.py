"""The brokers that the compared workers use, each in a folder of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aimesh.embedded.ports import free_port

START_SECONDS = 20.0


class Redis:
    """A Redis that runs; with a log on disk, as Kafka has one."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid


@asynccontextmanager
async def running_redis(program: str, folder: Path) -> AsyncIterator[Redis]:
    """Run a Redis on a free port while the body runs."""
    port = free_port()
    with (folder / "redis.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
            "--save", "", "--appendonly", "yes",
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await _until_listening(port)
        yield Redis(process, f"redis://127.0.0.1:{port}/0")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
