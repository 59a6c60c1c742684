"""Runs code that sleeps in the sandbox, and tells the numbers of the processes that there are.

python -m tests.escape.sleeper MODE SCRATCH
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from aimesh.services.sandbox import Limits, Sandbox


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def main(mode: str, scratch: str) -> None:
    """Print the process ids of this process, the keeper and the worker; then wait to be killed."""
    sandbox = Sandbox(Limits(wall_s=60), mode=mode, scratch=Path(scratch))
    running = asyncio.create_task(sandbox.run("import time; time.sleep(60)"))
    while not running.done():
        await asyncio.sleep(0.02)
        keepers = _children(os.getpid())
        workers = _children(keepers[0]) if keepers else []
        if workers:
            print(json.dumps([os.getpid(), keepers[0], workers[0]]), flush=True)
            break
    await running


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
