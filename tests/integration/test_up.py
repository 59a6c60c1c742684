"""`aimesh up` starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from aimesh.embedded.ports import free_port
from tests.waiting import gone, until

RUN = """
import asyncio, json, sys
from rich.console import Console
from aimesh.commands.up import up
from aimesh.embedded.supervisor import Policy
from aimesh.settings import Settings

worker, rehearsal = [sys.executable, sys.argv[1]], [sys.executable, sys.argv[2]]
console = Console(width=200)
sys.exit(asyncio.run(up(
    Settings.from_env(), fresh=False, console=console, confirm=lambda question: False,
    worker=worker, rehearsal=rehearsal, policy=Policy(first_pause=0.05),
)))
"""
WORKER = """
import http.server, json, os, pathlib, signal, sys

if os.environ.get("DEAF"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.environ.get("BROKEN"):
    sys.exit("no oil")
data = pathlib.Path(os.environ["AIMESH_DATA"])
(data / "environ.json").write_text(json.dumps(dict(os.environ)))
print("[2026-01-01] [1] [INFO] quiet")
print("[2026-01-01] [1] [WARNING] loud")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

address = ("127.0.0.1", int(os.environ["AIMESH_WEB_PORT"]))
http.server.HTTPServer(address, Handler).serve_forever()
"""
REHEARSAL = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
print(f"rehearsal model listening on http://127.0.0.1:{server.getsockname()[1]}", flush=True)
time.sleep(600)
"""


class Up:
    """A running `aimesh up`, with a stand-in for the worker, and what it has told so far."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path) -> None:
        self.process = process
        self.data = data
        self.told = ""
        self.seen: set[int] = set()

    async def says(self, pattern: str, limit: float = 60) -> re.Match[str]:
        """Wait until it tells something."""
        assert self.process.stdout is not None
        async with asyncio.timeout(limit):
            while not (found := re.search(pattern, self.told)):
                chunk = await self.process.stdout.read(4096)
                assert chunk, f"it ended without telling {pattern!r}: {self.told}"
                self.told += chunk.decode()
        self.seen.update(self.pids())
        return found

    def stop_reading(self) -> None:
        """Close the pipe that it tells into."""
        transport = self.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()

    def pids(self) -> dict[int, str]:
        """Its programs."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return {child.pid: " ".join(child.cmdline()) for child in children}
        return {}

    def pid(self, of: str) -> int:
        return next(pid for pid, command in self.pids().items() if of in command)

    @property
    def worker_environ(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.data / "environ.json").read_text())
        return found

    async def ends(self, limit: float = 30) -> int:
        """Wait until it has ended, and see that nothing is left."""
        async with asyncio.timeout(limit):
            rest, _ = await self.process.communicate()
        self.told += rest.decode()
        assert not [pid for pid in self.seen if not gone(pid)]
        assert self.process.returncode is not None
        return self.process.returncode


@pytest.fixture
async def ups(tmp_path: Path) -> AsyncIterator[list[Up]]:
    """All that a test has started; none outlives it."""
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "rehearsal.py").write_text(REHEARSAL)
    started: list[Up] = []
    yield started
    for item in started:
        if item.process.returncode is None:
            item.process.kill()
            await item.process.communicate()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    own = ("AIMESH_", "KAFKA_", "OLLAMA_", "QDRANT_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(own)}
    return {
        **inherited,
        "AIMESH_DATA": str(tmp_path / "data"),
        "AIMESH_KAFKA_PORT": str(free_port()),
        "AIMESH_WEB_PORT": str(free_port()),
        "OLLAMA_BASE_URL": f"http://127.0.0.1:{free_port()}",
    }


async def start(ups: list[Up], environ: dict[str, str], *, group: bool = False) -> Up:
    data = Path(environ["AIMESH_DATA"])
    scripts = [str(data.parent / name) for name in ("worker.py", "rehearsal.py")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, *scripts,
        env=environ, stdout=asyncio.subprocess.PIPE, start_new_session=group,
    )  # fmt: skip
    ups.append(Up(process, data))
    return ups[-1]


@contextlib.contextmanager
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_starts_all_and_ctrl_c_ends_all(ups: list[Up], environ: dict[str, str]) -> None:
    mesh = await start(ups, environ, group=True)
    await mesh.says(r"data +/.*\n")
    kafka, web = f"127.0.0.1:{environ['AIMESH_KAFKA_PORT']}", environ["AIMESH_WEB_PORT"]
    assert re.search(rf"dashboard +http://127.0.0.1:{web}/\n", mesh.told)
    assert re.search(rf"Kafka +{kafka}\n", mesh.told)
    assert re.search(r"model +rehearsal \(scripted answers\)", mesh.told)
    assert re.search(r"up in \d+\.\d s", mesh.told)
    assert f"no Ollama answers at {environ['OLLAMA_BASE_URL']}" in mesh.told
    assert "ollama pull gemma3:1b" in mesh.told
    assert "loud" in mesh.told
    assert "quiet" not in mesh.told
    assert "quiet" in (mesh.data / "logs" / "worker.log").read_text()
    given = mesh.worker_environ
    assert given["KAFKA_BOOTSTRAP_SERVERS"] == kafka
    assert given["OLLAMA_BASE_URL"] in mesh.told
    assert (given["AIMESH_PRODUCER_INTERVAL"], given["AIMESH_WEB_PORT"]) == ("3", web)
    # as a terminal does: to the whole foreground group
    os.killpg(mesh.process.pid, signal.SIGINT)
    assert await mesh.ends() == 0
    assert len(mesh.seen) == 3


async def test_whatever_is_killed_comes_back_at_its_address(
    ups: list[Up], environ: dict[str, str]
) -> None:
    mesh = await start(ups, environ)
    await mesh.says("up in")
    for program, name in (
        ("kafka.Kafka", "embedded Kafka"), ("rehearsal.py", "rehearsal model"),
        ("worker.py", "worker"),
    ):  # fmt: skip
        os.kill(mesh.pid(program), signal.SIGKILL)
        await mesh.says(f"The {name} serves again")
    assert (mesh.data / "kafka" / "server.properties").read_text().count(
        f"127.0.0.1:{environ['AIMESH_KAFKA_PORT']}"
    ) == 2
    mesh.process.terminate()
    assert await mesh.ends() == 0


async def test_killed_with_everything_it_starts_again(
    ups: list[Up], environ: dict[str, str]
) -> None:
    mesh = await start(ups, environ)
    await mesh.says("up in")
    mesh.process.kill()
    again = await start(ups, environ)
    await mesh.process.communicate()
    await until(lambda: all(gone(pid) for pid in mesh.seen))
    await again.says("up in")
    # the ports of the killed one are free again
    assert "taken" not in again.told
    again.process.terminate()
    assert await again.ends() == 0


async def test_taken_ports_are_replaced_and_told(ups: list[Up], environ: dict[str, str]) -> None:
    with taken() as kafka, taken() as web:
        environ |= {"AIMESH_KAFKA_PORT": str(kafka), "AIMESH_WEB_PORT": str(web)}
        mesh = await start(ups, environ)
        await mesh.says(r"data +/.*\n")
        assert re.search(rf"port {kafka} is taken, so Kafka listens on \d+", mesh.told)
        assert re.search(rf"port {web} is taken, so the dashboard is on \d+", mesh.told)
        assert mesh.worker_environ["AIMESH_WEB_PORT"] != str(web)
        mesh.process.terminate()
        assert await mesh.ends() == 0


async def test_a_second_ctrl_c_is_quicker(
    ups: list[Up], environ: dict[str, str], kafka: str
) -> None:
    mesh = await start(ups, environ | {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DEAF": "1"})
    await mesh.says("up in")
    mesh.process.send_signal(signal.SIGINT)
    await mesh.says("stopping: the worker ends its work first")
    mesh.process.send_signal(signal.SIGINT)
    assert await mesh.ends(limit=10) == 0
    assert "stopping at once" in mesh.told


async def test_goes_on_when_nobody_reads_what_it_tells(
    ups: list[Up], environ: dict[str, str]
) -> None:
    mesh = await start(ups, environ)
    await mesh.says("AI-Mesh")
    mesh.stop_reading()
    await until(lambda: (mesh.data / "environ.json").exists(), limit=60)
    mesh.seen.update(mesh.pids())
    mesh.process.terminate()
    assert await mesh.ends() == 0


async def test_a_worker_that_cannot_start_ends_all_with_its_reason(
    ups: list[Up], environ: dict[str, str]
) -> None:
    mesh = await start(ups, environ | {"BROKEN": "1"})
    await mesh.says("REHEARSAL")
    assert await mesh.ends() == 1
    assert "The worker ended with exit code 1 while it started" in mesh.told
    assert "the 5th time" in mesh.told
    assert "no oil" in mesh.told
    assert not (mesh.data / "environ.json").exists()


async def test_an_ollama_with_the_model_is_used(
    ups: list[Up], environ: dict[str, str], kafka: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"models": [{"name": "gemma3:1b"}]}).encode()
        head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        environ |= {"OLLAMA_BASE_URL": url, "KAFKA_BOOTSTRAP_SERVERS": kafka}
        mesh = await start(ups, environ)
        await mesh.says(r"data +/.*\n")
        assert f"model gemma3:1b at {url}" in mesh.told
        assert "no nomic-embed-text, so no memory: `ollama pull nomic-embed-text`" in mesh.told
        assert mesh.worker_environ["OLLAMA_BASE_URL"] == url
        # and the Kafka that is set is used as well
        assert mesh.worker_environ["KAFKA_BOOTSTRAP_SERVERS"] == kafka
        assert not (mesh.data / "kafka").exists()
        mesh.process.terminate()
        assert await mesh.ends() == 0
        assert len(mesh.seen) == 1
