"""A worker whose wall clock jumps."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from aimesh.records import Task
from aimesh.stage import Job, Send
from aimesh.stage import runner as runner_module
from tests.stages import echo, new_stage, place, running, tasks
from tests.waiting import until

HOUR = 3600.0


class Clock:
    """The wall clock, ahead by so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.ahead)


async def test_a_clock_that_jumps_to_and_fro_changes_nothing(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, worked = Clock(monkeypatch), list[str]()
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            worked.append(job.key)
            await asyncio.sleep(0.2)
            return echo(at, task)

        async with running(new_stage(at, work)) as stage:
            for number, ahead in enumerate((0.5 * HOUR, -48 * HOUR, 0.0), 1):
                await at.send(*tasks(4, prefix=f"{number}-"))
                await until(lambda: len(worked) == 4 * number)  # noqa: B023 - awaited here
                clock.ahead = ahead  # while they are at work
                await at.until_out(4 * number)
            await at.until_settled()
            await until(lambda: not stage.ledger.jobs())
        assert set((await at.outputs()).values()) == {1}
        assert len(worked) == 12


async def test_a_clock_so_far_ahead_that_kafka_refuses_its_messages_loses_nothing(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "BACKOFF_FIRST", 0.05)
    clock = Clock(monkeypatch)
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            return echo(at, task)

        async with running(new_stage(at, work)) as stage:
            await at.send(*tasks(4))
            await at.until_out(4)
            await at.send(*tasks(4, prefix="more"))
            clock.ahead = 48 * HOUR
            await asyncio.sleep(2)
            clock.ahead = 0.0
            assert set((await at.until_out(8)).values()) == {1}
            await at.until_settled()
            await until(lambda: not stage.ledger.jobs())
