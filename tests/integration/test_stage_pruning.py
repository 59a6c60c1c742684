"""Jobs finished long ago are forgotten, without anything else having to wait."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from aimesh.records import Task
from aimesh.stage import Job, Send, pruning
from tests.stages import echo, new_stage, place, running

DAY = 86400


async def no_work(task: Task, job: Job) -> list[Send]:
    return []


async def longest_pause(until_done: asyncio.Task[int]) -> float:
    """How long the event loop was kept from anything else, at the most."""
    longest, before = 0.0, time.monotonic()
    while not until_done.done():
        await asyncio.sleep(0)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    return longest


async def test_what_has_expired_is_forgotten_bit_by_bit(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "INTERVAL", 0.0)
    async with place(kafka, tmp_path) as at:
        stage = new_stage(at, no_work, retention=7 * DAY)
        async with running(stage):
            now, seen = int(time.time()), stage.ledger._seen
            for partition in (0, 1):
                for first in range(0, 5000, 500):
                    await asyncio.gather(
                        *(
                            seen.put(f"{n}", {"at": now - (8 if n % 2 else 6) * DAY}, partition)
                            for n in range(first, first + 500)
                        )
                    )
            task = asyncio.create_task(stage.pruning.round())
            assert await longest_pause(task) < 0.25
            await task
            assert stage.counts["forgotten"] == 5000
            assert (seen.look("1", 0), seen.look("1", 1)) == (None, None)
            assert seen.look("2", 0) is not None
            assert await stage.pruning.round() == 0


async def test_a_clock_that_has_jumped_makes_nothing_forgotten(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            return echo(at, task)

        stage = new_stage(at, work, retention=7 * DAY)
        async with running(stage):
            await at.send({"task_id": "a", "task": "x"})
            await at.until_out(1)
            await at.until_settled()
            real = time.time
            monkeypatch.setattr(time, "time", lambda: real() + 30 * DAY)
            assert await stage.pruning.round() == 0
            monkeypatch.undo()
            await at.send({"task_id": "a", "task": "x"})
            await at.until_settled()
            assert stage.counts["absorbed"] == 1
