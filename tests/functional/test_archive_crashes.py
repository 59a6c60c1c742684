"""The archive while its writers run side by side, and are killed."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from aimesh.services.archive import Archive
from tests.appender import row

ROUNDS = 25


async def appender(path: Path, first: int, number: int, step: int, size: int) -> Process:
    numbers = map(str, (first, number, step, size))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.appender", str(path), *numbers, stdout=PIPE
    )


async def acknowledged(process: Process) -> set[int]:
    """Every number that the process said was safe, until it ends."""
    assert process.stdout is not None
    return set(map(int, (await process.stdout.read()).split()))


async def test_processes_side_by_side_write_each_task_once(tmp_path: Path) -> None:
    path = tmp_path / "ai_history.csv"
    processes = [await appender(path, 20 * n, 60, 1, 200) for n in range(4)]
    for done in await asyncio.gather(*map(acknowledged, processes)):
        assert len(done) == 60
    assert await asyncio.gather(*(process.wait() for process in processes)) == [0] * 4
    rows = list(Archive(path).rows())
    assert sorted(rows, key=lambda item: int(item.task_id[3:])) == [row(n, 200) for n in range(120)]


async def test_writers_killed_again_and_again_lose_nothing_they_have_acknowledged(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ai_history.csv"
    chance = random.Random(7)
    safe: set[int] = set()
    for _ in range(ROUNDS):
        # redelivery: what is not known to be safe, and some of what is, comes again
        first = max(0, len(safe) - 5)
        process = await appender(path, first, 1_000_000, chance.choice((1, 7)), 30_000)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 12)):
            safe |= set(map(int, (await process.stdout.readline()).split()))
        process.kill()
        safe |= await acknowledged(process)
        await process.wait()
    rows = list(Archive(path).rows())
    numbers = [int(item.task_id[3:]) for item in rows]
    assert len(numbers) == len(set(numbers))
    assert safe <= set(numbers)
    assert all(item == row(number, 30_000) for item, number in zip(rows, numbers, strict=True))
    last = max(numbers) + 1
    assert await Archive(path).append(row(last)) is True
    assert path.read_bytes().endswith(b"\r\n")
