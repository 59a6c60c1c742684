"""Child processes end with their parent, and a folder has one owner."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil

from aimesh.embedded.child import Child
from aimesh.embedded.lock import FolderLock
from aimesh.embedded.ports import free_port, is_free
from tests.waiting import gone, until

SLEEPER = "import time; time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
PARENT = f"""
import asyncio, os, sys
from aimesh.embedded.child import Child

async def main():
    child = await Child.spawn([sys.executable, "-c", {SLEEPER!r}], env=os.environ)
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


async def spawned(code: str, **options: object) -> Child:
    command = [sys.executable, "-c", code]
    return await Child.spawn(command, env=os.environ, **options)  # type: ignore[arg-type]


async def test_a_child_dies_with_its_killed_parent() -> None:
    command = [sys.executable, "-c", PARENT]
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert not gone(child)
    parent.kill()
    await parent.communicate()
    await until(lambda: gone(child))


async def test_ctrl_c_in_the_terminal_does_not_reach_a_child() -> None:
    child = await spawned(SLEEPER)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    assert await child.stop(5) == -signal.SIGTERM
    assert not psutil.pid_exists(child.pid)


async def test_a_child_that_does_not_listen_is_killed_after_its_grace() -> None:
    child = await spawned(STUBBORN, output=asyncio.subprocess.PIPE)
    assert await child.output.readline() == b"deaf\n"
    assert await child.stop(0.1) == -signal.SIGKILL


async def test_stopping_what_has_ended_does_no_harm() -> None:
    child = await spawned("raise SystemExit(7)")
    assert await child.wait() == 7
    assert child.returncode == 7
    assert await child.stop(5) == 7


async def test_a_folder_has_one_owner_who_can_be_named(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    assert await first.acquire()
    assert not await second.acquire(patience=0.1)
    assert second.holder() == os.getpid()
    first.release()
    first.release()
    assert await second.acquire()
    second.release()


async def test_a_lock_is_held_until_the_last_child_that_inherited_it_is_gone(
    tmp_path: Path,
) -> None:
    mine, other = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    assert await mine.acquire()
    child = await spawned(SLEEPER, pass_fds=[mine.fd])
    mine.release()
    assert not await other.acquire()
    waiting = asyncio.create_task(other.acquire(patience=10))
    await child.kill()
    assert await waiting
    other.release()


def test_an_unreadable_lock_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("someone")
    assert FolderLock(tmp_path / "lock").holder() is None
    assert FolderLock(tmp_path / "none").holder() is None


async def test_a_port_with_a_listener_is_not_free() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        assert not is_free(server.sockets[0].getsockname()[1])
    assert is_free(free_port())


def test_a_port_is_not_given_twice_while_nobody_listens_on_it_yet() -> None:
    ports = [free_port() for _ in range(1000)]
    assert len(set(ports)) == len(ports)


def test_a_port_that_is_promised_to_another_is_not_given() -> None:
    promised = {port for port in range(65536) if port // 2 % 2}
    assert promised.isdisjoint(free_port(avoid=promised) for _ in range(20))
