"""Nothing goes on when the process that asked for it is killed, as root or not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimesh.services.sandbox.folders import remove
from tests.escape.campaign import who_can_try
from tests.sandboxing import MODES
from tests.waiting import gone, until

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may write to and reach."""
    folder = Path(tempfile.mkdtemp(prefix="aimesh-escape-"))
    folder.chmod(0o777)
    yield folder
    remove(folder)


@pytest.mark.parametrize("who", who_can_try())
@pytest.mark.parametrize("mode", MODES)
async def test_killing_the_parent_kills_keeper_and_worker(
    mode: str, who: str, open_folder: Path
) -> None:
    launcher = ["-m", "tests.escape.as_user"] if who == "user" else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *launcher, "-m", "tests.escape.sleeper", mode, str(open_folder)),
        cwd=_REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        told = await process.stdout.readline()
    if not told:
        pytest.skip(f"{mode} cannot be had here as {who}")
    parent, keeper, worker = json.loads(told)
    assert not any(gone(pid) for pid in (parent, keeper, worker))
    os.kill(parent, signal.SIGKILL)
    await until(lambda: gone(keeper) and gone(worker))
    await process.wait()
