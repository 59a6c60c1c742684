"""Workers with one stage, killed, stopped and added while they work."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from aimesh.core.epochs import CLAIM
from aimesh.errors import LeaseLostError, UnavailableError
from aimesh.records import Task
from aimesh.stage import Job, Send
from tests.stages import (
    Place,
    Program,
    begun,
    calls,
    echo,
    new_stage,
    place,
    programs,
    running,
    tasks,
)
from tests.waiting import until as until_so


async def until_begun(at: Place, count: int, limit: float = 30.0) -> None:
    deadline = time.monotonic() + limit
    while len(begun(at)) < count:
        assert time.monotonic() < deadline, f"only {begun(at)} of {count} began"
        await asyncio.sleep(0.02)


async def two_members(at: Place, limit: float = 40.0) -> None:
    """Wait until a worker that was thrown out of the group is back."""
    deadline = time.monotonic() + limit
    while await at.members() != 2:
        assert time.monotonic() < deadline, "only one worker is in the group"
        await asyncio.sleep(0.1)


def at_work(at: Place, name: str) -> set[str]:
    """The jobs that a program has begun and not ended."""
    own = [(key, what) for who, key, what in calls(at) if who == name]
    return {k for k, what in own if what == "begin"} - {k for k, what in own if what == "end"}


async def test_jobs_of_a_killed_worker_are_taken_over_within_10_seconds(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=4) as at:
        async with programs(at, "one", "two", SLOTS="3") as (one, _):
            await at.send(*tasks(12, "sleep 1.5"))
            await until_begun(at, 6)
            await one.end(signal.SIGKILL)
            killed, cut_off = time.monotonic(), at_work(at, "one")
            assert cut_off
            while not all(begun(at)[key] == 2 for key in cut_off):
                assert time.monotonic() - killed < 30, begun(at)
                await asyncio.sleep(0.02)
            took = time.monotonic() - killed
            out = await at.until_out(12)
            await at.until_settled()
        assert took < 10, f"taken over only after {took:.1f} s"
        assert set(out.values()) == {1}
        # only what was cut off was worked on twice
        assert begun(at) == Counter(
            {f"t{n}#1": 2 if f"t{n}#1" in cut_off else 1 for n in range(12)}
        )


async def test_a_worker_told_to_stop_leaves_its_jobs_to_the_next(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=4) as at:
        async with programs(at, "one", "two", SLOTS="3") as (one, _):
            # some are done before the grace is over, some are not
            for seconds in (0.5, 20):
                await at.send(*tasks(3, f"sleep {seconds}", prefix=f"{seconds}-"))
            await until_begun(at, 4)
            began = time.monotonic()
            assert await one.end(signal.SIGTERM) == 0
            assert time.monotonic() - began < 30
            left = at_work(at, "one")
            out = await at.until_out(6, limit=60)
            await at.until_settled()
        assert set(out.values()) == {1}
        assert begun(at) == Counter({key: 2 if key in left else 1 for key in begun(at)})


async def test_jobs_of_a_live_worker_are_not_started_a_second_time_when_partitions_move(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=4) as at:
        async with programs(at, "one", SLOTS="8"):
            await at.send(*tasks(8, "sleep 8"))
            await until_begun(at, 8)
            async with programs(at, "two", SLOTS="8"):
                assert await at.members() == 2
                out = await at.until_out(8, limit=40)
                await at.until_settled()
        assert set(out.values()) == {1}
        assert set(begun(at).values()) == {1}


async def test_a_job_that_moved_while_it_waited_for_a_service_is_taken_over_from_a_live_worker(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=4) as at:

        async def waits(task: Task, job: Job) -> list[Send]:
            raise UnavailableError("ollama", "nobody answers")

        async def answers(task: Task, job: Job) -> list[Send]:
            return echo(at, task, "two")

        one, two = new_stage(at, waits, "one"), new_stage(at, answers, "two")
        async with running(one):
            for partition in range(4):
                await at.send({"task_id": f"t{partition}", "task": "x"}, partition=partition)
            await until_so(lambda: len(one.runner.waiting) == 4)
            async with running(two):
                moved = {f"t{partition}": 1 for partition in two.owned}
                assert 0 < len(moved) < 4
                assert await at.until_out(len(moved)) == moved


async def test_a_killed_worker_started_again_goes_on_from_its_disk(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        one = Program(at, "one")
        for _ in range(3):
            await one.start(SLOTS="2")
            before = len(begun(at))
            await at.send(*tasks(5, "sleep 0.3", prefix=f"{before}-"))
            await until_begun(at, before + 2)
            await one.end(signal.SIGKILL)
        await one.start(SLOTS="2")
        try:
            out = await at.until_out(15)
            await at.until_settled()
        finally:
            await one.end(signal.SIGKILL)
        assert len(out) == 15
        # at most the jobs that were cut off by the three kills
        assert sum(begun(at).values()) <= 15 + 3 * 2


@pytest.mark.parametrize("until", ["begin", "end"])
async def test_of_two_answers_to_a_job_the_first_is_everybodys(
    kafka: str, tmp_path: Path, until: str
) -> None:
    """A worker that was stopped for long does not know that its jobs are another one's now."""
    async with place(kafka, tmp_path, partitions=4) as at:
        async with programs(at, "one", "two", SLOTS="8") as (one, _):
            await at.send(*tasks(8, "sleep 3"))
            await until_begun(at, 8)
            one.signal(signal.SIGSTOP)
            own = at_work(at, "one")
            assert own
            deadline = time.monotonic() + 40
            while not own <= {key for who, key, what in calls(at) if (who, what) == ("two", until)}:
                assert time.monotonic() < deadline, calls(at)
                await asyncio.sleep(0.02)
            one.signal(signal.SIGCONT)
            await at.until_ended(at.results, 8 + len(own))
            await at.until_out(8)
            await at.until_settled()
            await two_members(at)
            assert begun(at) == Counter({f"t{n}#1": 1 + (f"t{n}#1" in own) for n in range(8)})
            answers = await at.answers()
        assert {task: len(by) for task, by in answers.items()} == {f"t{n}": 1 for n in range(8)}


async def test_a_job_that_ends_its_worker_keeps_nothing_else_from_being_done(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        one, ends = Program(at, "one"), 0
        await at.send({"task_id": "bad", "task": "exit"}, *tasks(3, "sleep 0.1"))
        deadline = time.monotonic() + 180
        while len(out := await at.outputs()) < 3:
            assert time.monotonic() < deadline, out
            # every second time as on a new machine
            await one.start(SLOTS="2", CLEAN="yes" if ends % 2 else "")
            assert await asyncio.wait_for(one.process.wait(), 30) == 9  # type: ignore[union-attr]
            ends += 1
        assert "bad" not in out
        assert begun(at)["bad#1"] >= ends - 1


async def test_a_job_that_is_always_at_work_with_one_that_ends_its_worker_is_done(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        one = Program(at, "one")
        # both are restarted as often: it takes longer than the other needs to end the worker
        await at.send({"task_id": "bad", "task": "exit"}, {"task_id": "good", "task": "sleep 1"})
        deadline = time.monotonic() + 180
        while "good" not in (out := await at.outputs()):
            assert time.monotonic() < deadline, out
            await one.start(SLOTS="2")
            assert await asyncio.wait_for(one.process.wait(), 30) == 9  # type: ignore[union-attr]
        assert out.keys() == {"good"}
        # it began alone once the two were told apart
        assert begun(at)["good#1"] <= begun(at)["bad#1"]


async def test_what_the_disk_alone_has_as_finished_is_marked_again_before_it_is_closed(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:
        stage = new_stage(at, lambda task, job: asyncio.sleep(0, echo(at, task)))
        async with running(stage):
            stage.recovery.suspend()
            job = Job("a", 1, at.source, 0, 0, '{"task":"x","task_id":"a"}', owner="other")
            await stage.ledger.open(job)
            # as a kill between disk and broker would leave it
            producer: Any = stage.app.producer
            producer.write = lambda *_, **__: asyncio.get_running_loop().create_future()
            stage.ledger.mark_seen(job)
            del producer.write
            stage.recovery.resume()
            await until_so(lambda: not stage.ledger.jobs())
            assert await marked(at) == ["a#1"]


async def test_a_mark_that_could_not_be_written_is_written_before_the_job_is_closed(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:
        stage = new_stage(at, lambda task, job: asyncio.sleep(0, echo(at, task)))
        async with running(stage):
            producer: Any = stage.app.producer
            write, refused = producer.write, list[Any]()

            def refuse_one(place: Any, *args: Any) -> asyncio.Future[Any]:
                if place.topic != f"{at.id}-seen-changelog" or refused:
                    return write(place, *args)  # type: ignore[no-any-return]
                refused.append(place)
                future = asyncio.get_running_loop().create_future()
                # as what is written while the group forms anew
                future.set_exception(LeaseLostError())
                return future

            producer.write = refuse_one
            await at.send({"task_id": "a", "task": "x"})
            await until_so(lambda: stage.counts["done"] == 1)
            assert refused
            assert await marked(at) == ["a#1"]
            assert await at.until_out(1) == {"a": 1}


async def marked(at: Place) -> list[str]:
    """Return what others know as finished."""
    found = await at.read(f"{at.id}-seen-changelog")
    return [orjson.loads(record.key or b"") for record in found if record.key != CLAIM]
