"""Runs leave nothing behind, whatever ends them, and never hold up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Limits, Sandbox
from tests.sandboxing import MODES, SMALL, opened
from tests.waiting import gone, until

_SLEEPS = "import time; open('f', 'w').write('x'); print('running'); time.sleep(60)"


@pytest.fixture(params=MODES)
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with opened(tmp_path, request.param) as sandbox:
        yield sandbox


def _below(pid: int) -> list[int]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


async def _two_processes_of(pid: int) -> list[int]:
    """The keeper and the worker of the one run of a process, as soon as both are there."""
    await until(lambda: len(_below(pid)) == 2)
    return _below(pid)


def _sleeps(pid: int) -> bool:
    """Tell whether a process is inside of ``time.sleep``."""
    return "nanosleep" in Path(f"/proc/{pid}/wchan").read_text()


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _folders(scratch: Path) -> list[str]:
    """Of sandboxes and their runs."""
    return sorted(
        str(path.relative_to(scratch))
        for pattern in ("*/", "*/run-*/")
        for path in scratch.glob(pattern)
    )


async def test_nothing_is_left_of_a_run(sandbox: Sandbox, tmp_path: Path) -> None:
    await sandbox.run("pass")  # threads and descriptors that stay
    before = _descriptors()
    for code in ("open('f', 'w').write('x')", "1 / 0", "import ctypes; ctypes.string_at(0)"):
        await sandbox.run(code, [{"call": "1", "expected": "1"}])
    assert _descriptors() == before
    assert _below(os.getpid()) == []
    assert len(_folders(tmp_path)) == 1
    await sandbox.close()
    assert _folders(tmp_path) == []


async def test_a_cancelled_run_is_ended_and_cleaned_up(sandbox: Sandbox, tmp_path: Path) -> None:
    running = asyncio.create_task(sandbox.run(_SLEEPS))
    processes = await _two_processes_of(os.getpid())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: all(gone(pid) for pid in processes))
    assert len(_folders(tmp_path)) == 1
    # and its place is free again
    assert (await sandbox.run("print(1)")).success


async def test_a_closed_sandbox_waits_for_its_runs_and_takes_no_more(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.run("import time; time.sleep(0.3); print('whole')"))
    await _two_processes_of(os.getpid())
    await sandbox.close()
    assert (await running).output == "whole\n"
    with pytest.raises(SandboxRefusedError):
        await sandbox.run("pass")
    await sandbox.close()


@pytest.mark.parametrize("mode", MODES)
async def test_killing_the_parent_kills_its_runs_and_the_next_one_cleans_up(
    mode: str, tmp_path: Path
) -> None:
    async with opened(tmp_path, mode) as sandbox:
        layers = sandbox.layers
    script = (
        "import asyncio\nfrom pathlib import Path\n"
        "from aimesh.services.sandbox import Layers, Limits, Sandbox\n"
        f"sandbox = Sandbox(Limits(), scratch=Path({str(tmp_path)!r}), layers={layers!r})\n"
        f"asyncio.run(sandbox.run({_SLEEPS!r}))\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    processes = await _two_processes_of(parent.pid)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await until(lambda: all(gone(pid) for pid in processes))
    left = _folders(tmp_path)
    async with opened(tmp_path, mode):
        assert not set(left) & set(_folders(tmp_path))
    assert _folders(tmp_path) == []


@pytest.mark.parametrize("mode", MODES)
async def test_killing_the_keeper_kills_the_worker_and_is_no_pass(
    mode: str, tmp_path: Path
) -> None:
    async with opened(tmp_path, mode) as sandbox:
        running = asyncio.create_task(sandbox.run(_SLEEPS))
        keeper, worker = await _two_processes_of(os.getpid())
        await until(lambda: _sleeps(worker))  # it is locked down, and runs the code
        os.kill(keeper, signal.SIGKILL)
        outcome = await running
        await until(lambda: gone(worker))
    assert outcome.verdict == "sandbox_error"
    assert outcome.error == "the run ended without a report"


async def test_the_end_is_noticed_though_the_pipes_stay_open(tmp_path: Path) -> None:
    # only code that nothing holds can leave a process that keeps the pipe
    async with opened(tmp_path, "unsafe", Limits(wall_s=20)) as sandbox:
        outcome = await sandbox.run(
            "import os, time\nreading, writing = os.pipe()\npid = os.fork()\nif pid == 0:\n"
            "    os.setsid()\n    os.write(writing, b'.')\n    time.sleep(60)\n"
            "os.read(reading, 1)\nprint(pid)"
        )
    assert (outcome.verdict, outcome.exit_code) == ("passed", 0)
    assert outcome.wall_s < 20
    left = int(outcome.output)
    assert not gone(left)
    os.kill(left, signal.SIGKILL)
    await until(lambda: gone(left))


@pytest.mark.parametrize("free", range(9))
async def test_too_few_descriptors_mean_no_run_and_no_leak(sandbox: Sandbox, free: int) -> None:
    before = _descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    fillers = [os.open("/dev/null", os.O_RDONLY) for _ in range(highest + 1 - before)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1 + free, hard))
    try:
        outcome = await sandbox.run("print(1)")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for filler in fillers:
            os.close(filler)
    assert outcome.verdict in ("sandbox_error", "passed")
    assert _descriptors() == before
    assert _below(os.getpid()) == []
    assert (await sandbox.run("print(2)")).output == "2\n"


class _Heartbeat:
    """Measures how long the event loop was away."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.beats = 0

    async def beat(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            self.beats += 1
            last = now


@contextlib.asynccontextmanager
async def _heart() -> AsyncIterator[_Heartbeat]:
    heart = _Heartbeat()
    beating = asyncio.create_task(heart.beat())
    yield heart
    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating


async def test_a_burst_of_runs_does_not_hold_up_the_event_loop(sandbox: Sandbox) -> None:
    codes = [
        "print(sum(range(200_000)))",
        "while True: print('x' * 10_000)",
        "for n in range(50): open(str(n), 'w').write('x' * 1000)",
        "x = 'y' * (100 << 20)",
        "import json, sqlite3, asyncio; print(1)",
    ]
    async with _heart() as heart:
        outcomes = await asyncio.gather(*(sandbox.run(code) for code in codes * 10))
    verdicts = [outcome.verdict for outcome in outcomes]
    assert verdicts == ["passed", "output_limit", "passed", "passed", "passed"] * 10
    assert heart.beats > 10
    # on a machine that others use as well; a heartbeat of Kafka is due every 3 s
    assert heart.longest < 1.0


async def test_no_more_run_at_once_than_there_are_slots(tmp_path: Path) -> None:
    most = 0
    async with opened(tmp_path, "strict", SMALL, slots=3) as sandbox:
        runs = [asyncio.create_task(sandbox.run("import time; time.sleep(0.1)")) for _ in range(9)]
        while not all(run.done() for run in runs):
            most = max(most, len(psutil.Process().children()))
            await asyncio.sleep(0.01)
    assert most == 3


async def test_a_gigabyte_of_output_takes_neither_memory_nor_time(sandbox: Sandbox) -> None:
    before = psutil.Process().memory_info().rss
    async with _heart() as heart:
        outcome = await sandbox.run("import os\nwhile True: os.write(1, b'z' * (1 << 20))")
    assert outcome.verdict == "output_limit"
    assert len(outcome.output) < 66_000
    assert psutil.Process().memory_info().rss - before < 50 << 20
    assert heart.longest < 1.0


async def test_a_loop_in_another_thread_can_run_code(tmp_path: Path) -> None:
    async with opened(tmp_path, "strict") as sandbox:
        layers = sandbox.layers
    verdicts: list[str] = []

    def work() -> None:
        async def run() -> None:
            other = Sandbox(SMALL, scratch=tmp_path, layers=layers)
            verdicts.append((await other.run("print('from a thread')")).verdict)
            await other.close()

        asyncio.run(run())

    await asyncio.to_thread(work)
    assert verdicts == ["passed"]
