"""The watchdog ends what is stuck, for each way of being stuck, and nothing that only waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aimesh.errors import UnavailableError
from aimesh.records import Task
from aimesh.services.kafka import KafkaAdmin
from aimesh.stage import Job, Send, Stage
from aimesh.watchdog import Watchdog
from tests.kafka import running_kafka
from tests.stages import Place, echo, new_stage, place, running, tasks
from tests.waiting import until

LIMIT = 3.0


@asynccontextmanager
async def watched(at: Place, stage: Stage) -> AsyncIterator[list[str]]:
    """Watch a stage; give the reasons for which its process would have been ended."""
    reasons: list[str] = []
    dog = Watchdog(
        {"consumer": stage.app}, [stage], KafkaAdmin(at.kafka), limit=LIMIT, end=reasons.append
    )
    async with dog:
        yield reasons


async def test_a_stage_that_lets_its_messages_lie_is_ended(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            return echo(at, task)

        stage = new_stage(at, work)
        async with running(stage), watched(at, stage) as reasons:
            await at.send(*tasks(4))
            await at.until_settled()
            await asyncio.sleep(2 * LIMIT)
            assert reasons == []  # idle
            stage.stopping = True  # from now on nothing is taken on
            await at.send(*tasks(4, prefix="more"))
            await until(lambda: reasons, 6 * LIMIT)
        assert reasons[0].startswith("consumer: for ")
        assert "acknowledged nothing and has no job at work, while 4 messages wait" in reasons[0]


async def test_tables_that_are_never_read_are_ended(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            return []

        stage = new_stage(at, work)
        consumer: Any = stage.app.consumer

        async def no_answer(*_: Any) -> Any:
            await asyncio.Event().wait()

        consumer.highwaters = no_answer
        stage.app.finalize()
        starting = asyncio.create_task(stage.app.start())
        try:
            await until(lambda: stage.app.rebalancing_count, 30)
            async with watched(at, stage) as reasons:
                await until(lambda: reasons, 6 * LIMIT)
        finally:
            await stage.app.stop()
            await asyncio.wait([starting])
        assert "its partitions are being assigned or its tables read" in reasons[0]


async def test_a_model_that_is_down_ends_nothing(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            raise UnavailableError("model", "refused")

        stage = new_stage(at, work, slots=2)
        async with running(stage), watched(at, stage) as reasons:
            await at.send(*tasks(10))
            await until(lambda: len(stage.runner.waiting) == 2)
            await asyncio.sleep(3 * LIMIT)
            assert await at.lag() == 8
            assert reasons == []


async def test_a_broker_that_is_away_ends_nothing(tmp_path: Path) -> None:
    async with running_kafka(tmp_path / "kafka") as broker:  # noqa: SIM117
        async with place(broker.bootstrap, tmp_path) as at:

            async def work(task: Task, job: Job) -> list[Send]:
                return echo(at, task)

            stage = new_stage(at, work)
            async with running(stage), watched(at, stage) as reasons:
                await at.send(*tasks(4))
                await at.until_out(4)
                await broker.stop(grace=0)
                await asyncio.sleep(3 * LIMIT)
                await broker.start()
                await at.send(*tasks(4, prefix="more"))
                assert set((await at.until_out(8, 60)).values()) == {1}
                assert reasons == []
