"""A process whose event loop stands still is ended; one that was stopped itself is not."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time

SCRIPT = """
import asyncio, sys, time
from aimesh.watchdog import LoopGuard

async def main(what):
    guard = LoopGuard(2.0)
    guard.start()
    print("ready", flush=True)
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        guard.beat()
        await asyncio.sleep(0.2)
        if what == "block":
            time.sleep(60)
        if what == "busy":
            time.sleep(1.0)
    guard.stop()

asyncio.run(main(sys.argv[1]))
"""


async def program(what: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, what, stdout=-1, stderr=-1
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_a_loop_that_stands_still_ends_the_process_and_shows_where() -> None:
    process, began = await program("block"), time.monotonic()
    _, told = await process.communicate()
    assert process.returncode == 1
    assert time.monotonic() - began < 9
    assert b"its event loop has stood still for" in told
    assert re.search(rb'File "<string>", line \d+ in main', told)  # the stacks of all threads


async def test_a_loop_that_is_only_busy_goes_on() -> None:
    process = await program("busy")
    assert await process.wait() == 0


async def test_a_process_that_was_stopped_for_long_goes_on() -> None:
    process = await program("idle")
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(6)
    process.send_signal(signal.SIGCONT)
    assert await asyncio.wait_for(process.wait(), 20) == 0
