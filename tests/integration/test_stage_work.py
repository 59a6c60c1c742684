"""What becomes of a job's result, on the topics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from aimesh.core import trace
from aimesh.errors import UnavailableError
from aimesh.records import Task
from aimesh.stage import Job, Send
from aimesh.stage import runner as runner_module
from tests.faustapps import limit_topic
from tests.stages import echo, new_stage, place, running, tasks, texts
from tests.waiting import until


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "BACKOFF_FIRST", 0.02)


async def test_work_that_fails_in_every_try_becomes_a_dead_letter(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        tried: list[str] = []

        async def work(task: Task, job: Job) -> list[Send]:
            tried.append(job.task_id)
            if task.task == "bad" or (task.task == "twice" and tried.count(job.task_id) < 3):
                raise RuntimeError(f"{task.task} broke")
            return echo(at, task)

        for task_id in ("bad", "twice", "ok"):
            await at.send({"task_id": task_id, "task": task_id})
        async with running(new_stage(at, work)) as stage:
            (letter,) = await at.until_dead(1)
            assert set(await at.until_out(2)) == {"twice", "ok"}
            await at.until_settled()
            await until(lambda: not stage.ledger.jobs())
        assert sorted(tried) == ["bad"] * 3 + ["ok"] + ["twice"] * 3
        headers = texts(letter.headers)
        assert headers["kafka_dlt-exception-message"] == "bad broke"
        assert headers["kafka_dlt-exception-fqcn"] == "RuntimeError"
        assert headers["kafka_dlt-original-topic"] == at.source
        assert (letter.key, orjson.loads(letter.value)["task"]) == (b"bad", "bad")


async def test_a_service_that_comes_back_finds_its_work(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:
        is_up = asyncio.Event()

        async def work(task: Task, job: Job) -> list[Send]:
            if not is_up.is_set():
                raise UnavailableError("model", "refused")
            return echo(at, task)

        await at.send(*tasks(10))
        async with running(new_stage(at, work, slots=2, tries=1)) as stage:
            await until(lambda: len(stage.runner.waiting) == 2 and stage.runner.counts["retried"])
            assert await at.ends(at.results) == 0
            is_up.set()
            assert len(await at.until_out(10)) == 10
        assert await at.ends(at.dead) == 0


async def test_outputs_carry_trace_and_event_headers(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            return [*echo(at, task), Send(at.out, '{"task_id":"b"}', "b", {"extra": "yes"})]

        parent = trace.traceparent(trace.trace_id("elsewhere"), trace.span_id("root"))
        headers = [("traceparent", parent.encode()), ("replay_count", b"2"), ("other", b"x")]
        await at.producer.send(at.source, b'{"task_id":"a","task":"x"}', headers=headers)
        async with running(new_stage(at, work)):
            await at.until_out(2)
        first, second = sorted(await at.read(at.out), key=lambda m: m.key)
        own = texts(first.headers)
        assert trace.parse_traceparent(own["traceparent"]) is not None
        assert own["traceparent"].split("-")[1] == trace.trace_id("elsewhere")
        assert own["traceparent"] != parent
        assert own["ce_specversion"] == "1.0"
        assert own["ce_id"] == f"{at.id}/a#1#r2/0"
        assert (own["ce_source"], own["ce_type"]) == (f"/{at.id}", f"aimesh.{at.out}")
        assert own["ce_time"].endswith("Z")
        assert own["content-type"] == "application/json"
        assert own["replay_count"] == "2"
        assert "other" not in own
        assert (second.key, texts(second.headers)["extra"]) == (b"b", "yes")


async def test_a_result_too_large_to_be_recorded_becomes_a_dead_letter(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            # each fits, but not all of them in one record
            return echo(at, task) * (1 if task.task == "x" else 3)

        big = "\\n" * (1 << 20)
        await at.send(b'{"task_id": "big", "task": "' + big.encode() + b'"}')
        await at.send({"task_id": "good", "task": "x"})
        async with running(new_stage(at, work)) as stage:
            (letter,) = await at.until_dead(1)
            assert set(await at.until_out(1)) == {"good"}
            await at.until_settled()
            await until(lambda: not stage.ledger.jobs())
        headers = texts(letter.headers)
        assert headers["kafka_dlt-exception-fqcn"] == "TooLargeError"
        assert at.results in headers["kafka_dlt-exception-message"]
        assert orjson.loads(letter.value)["task"] == "\n" * (1 << 20)


@pytest.mark.parametrize("which", ["out", "results", "open", "dead"])
async def test_a_broker_that_takes_less_than_the_mesh_is_set_to_stops_nothing(
    kafka: str, tmp_path: Path, which: str
) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            if which == "dead" and task.task != "x":
                raise RuntimeError("broke")
            return echo(at, task)

        async with running(new_stage(at, work)) as stage:
            name = f"{at.id}-open-changelog" if which == "open" else getattr(at, which)
            await limit_topic(kafka, name, 60_000)
            await at.send({"task_id": "big", "task": "y" * 100_000})
            await at.send({"task_id": "good", "task": "x"})
            (letter,) = await at.until_dead(1)
            assert set(await at.until_out(1)) == {"good"}
            await at.until_settled()
            await until(lambda: not stage.ledger.jobs())
        headers = texts(letter.headers)
        if which == "dead":
            assert headers["kafka_dlt-exception-message"] == "broke"
            assert int(headers["aimesh_cut_from"]) > 100_000 > len(letter.value)
        else:
            assert headers["kafka_dlt-exception-fqcn"] == "TooLargeError"


async def test_recorded_results_are_not_worked_on_again(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:
        worked: list[str] = []

        async def work(task: Task, job: Job) -> list[Send]:
            worked.append(job.key)
            return echo(at, task)

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        await at.send(*tasks(8))
        first = new_stage(at, work, slots=8)
        first.finisher._output = never  # type: ignore[method-assign,assignment]
        async with running(first):
            await until(lambda: len(worked) == 8)
            await at.until_ended(at.results, 8)
        assert await at.ends(at.out) == 0
        async with running(new_stage(at, work)) as second:
            assert set((await at.until_out(8)).values()) == {1}
            await until(lambda: not second.ledger.jobs())
        assert len(worked) == 8


async def test_a_result_that_another_worker_has_recorded_before_is_the_jobs(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            if task.task_id == "t0":
                sends = [send.stored() for send in echo(at, task, "another")]
                other = {"duration_s": 0, "tries": 1, "error": "", "error_type": ""}
                value = orjson.dumps({"key": job.key, "sends": sends, **other})
                await at.producer.send_and_wait(at.results, value, partition=0)
            return echo(at, task, "own")

        async with running(new_stage(at, work, slots=8)) as stage:
            await at.send(*tasks(8))
            await at.until_out(8)
            await until(lambda: not stage.ledger.jobs() and not stage.running)
            answers = await at.answers()
        assert answers == {"t0": {"another"}} | {f"t{n}": {"own"} for n in range(1, 8)}
        assert stage.counts["restarted"] == 0


async def test_a_result_that_is_nothing_of_the_kind_is_passed_by(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:

        async def work(task: Task, job: Job) -> list[Send]:
            return echo(at, task)

        for value in (b"\xff", b"[]", b"{}", b'{"key": 7}', b'{"key": "unknown#1"}'):
            await at.producer.send_and_wait(at.results, value, partition=0)
        async with running(new_stage(at, work)):
            await at.send(*tasks(4))
            assert len(await at.until_out(4)) == 4
