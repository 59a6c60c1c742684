"""What a stage takes on: each message once, and none that it cannot work on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson

from aimesh.codec import dumps
from aimesh.errors import LeaseLostError
from aimesh.records import Task
from aimesh.stage import Job, Rejected, Send, Skipped
from aimesh.topics import MAX_MESSAGE_BYTES
from tests.stages import Place, echo, new_stage, place, running, tasks, texts
from tests.waiting import until


class Echo:
    """Work that repeats its tasks, and notes them."""

    def __init__(self, at: Place) -> None:
        self._at = at
        self.seen: list[str] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, task: Task, job: Job) -> list[Send]:
        self.seen.append(job.key)
        await self.may_go_on.wait()
        return echo(self._at, task)


async def test_every_task_comes_out_once(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:
        work = Echo(at)
        await at.send(*tasks(20))
        async with running(new_stage(at, work)) as stage:
            out = await at.until_out(20)
            await at.until_settled()
            await until(lambda: not stage.ledger.jobs())
        assert set(out.values()) == {1}
        assert stage.counts["done"] == 20


async def test_duplicates_are_absorbed_by_task_and_attempt(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:
        work = Echo(at)
        first, second = {"task_id": "a", "task": "x"}, {"task_id": "a", "task": "x", "attempt": 2}
        async with running(new_stage(at, work)) as stage:
            await at.send(first, first)
            await at.until_out(1)
            await at.send(first, second, second)
            await at.until_settled()
            await until(lambda: stage.counts["done"] == 2)
        assert work.seen == ["a#1", "a#2"]
        assert stage.counts["absorbed"] == 3


async def test_a_duplicate_waits_for_the_first_to_be_durable(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:
        work, stage = Echo(at), None
        stage = new_stage(at, work)
        is_written = asyncio.Event()
        opened = stage.ledger.open

        def slowly(job: Job) -> asyncio.Future[Any]:
            async def later(written: asyncio.Future[Any]) -> None:
                await is_written.wait()
                await written

            return asyncio.ensure_future(later(opened(job)))

        stage.ledger.open = slowly  # type: ignore[method-assign]
        async with running(stage):
            await at.send({"task_id": "a", "task": "x"}, {"task_id": "a", "task": "x"})
            await until(lambda: stage.counts["absorbed"] == 1)
            await asyncio.sleep(0.6)  # two commits could have happened
            assert (await at.lag(), work.seen) == (2, [])
            is_written.set()
            await at.until_settled()
        assert work.seen == ["a#1"]


async def test_what_the_disk_alone_has_is_written_again_before_it_absorbs(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:
        work = Echo(at)
        work.may_go_on.clear()
        stage = new_stage(at, work)
        async with running(stage):
            # it would write the job too, as soon as it sees that nobody runs it
            stage.recovery.suspend()
            # as a kill between disk and broker would leave it
            job = Job("a", 1, at.source, 0, 0, '{"task":"x","task_id":"a"}', owner="other")
            producer: Any = stage.app.producer
            producer.write = lambda *_, **__: asyncio.get_running_loop().create_future()
            stage.ledger.open(job)
            del producer.write
            assert not stage.ledger.is_durable("a#1")
            # the stage's claim is all that there is
            assert await at.ends(f"{at.id}-open-changelog") == 1
            await at.send({"task_id": "a", "task": "x"})
            await at.until_settled()
            assert stage.counts["absorbed"] == 1
            assert stage.ledger.is_durable("a#1")
            assert await at.ends(f"{at.id}-open-changelog") >= 2


async def test_a_job_that_was_done_elsewhere_while_it_was_written_down_is_not_worked_on(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:
        work = Echo(at)
        stage = new_stage(at, work)
        opened = stage.ledger.open

        async def done_elsewhere(job: Job) -> None:
            await opened(job)
            await stage.ledger.mark_seen(job)
            await stage.ledger.close(job)
            raise LeaseLostError()

        def refused(job: Job) -> asyncio.Future[Any]:
            stage.ledger.open = opened  # type: ignore[method-assign]
            return asyncio.ensure_future(done_elsewhere(job))

        stage.ledger.open = refused  # type: ignore[method-assign]
        async with running(stage):
            await at.send({"task_id": "a", "task": "x"}, {"task_id": "b", "task": "y"})
            await at.until_settled()
            assert await at.until_out(1) == {"b": 1}
        assert work.seen == ["b#1"]


async def test_what_cannot_be_decoded_is_kept_and_the_partition_goes_on(
    kafka: str, tmp_path: Path
) -> None:
    bad = [b"\xff\x00no", b"[1]", b'{"task": 5}', b'{"task_id": "q"}', b""]
    async with place(kafka, tmp_path, partitions=1) as at:
        work = Echo(at)
        await at.producer.send(at.source, bad[0], b"\xfe", 0, headers=[("mine", b"yes")])
        await at.send(*bad[1:])
        await at.send({"task_id": "good", "task": "x"})
        async with running(new_stage(at, work)):
            await at.until_out(1)
            letters = await at.until_dead(len(bad))
            await at.until_settled()
    assert [letter.value for letter in letters] == bad
    assert letters[0].key == b"\xfe"
    headers = texts(letters[0].headers)
    assert headers["mine"] == "yes"
    assert headers["kafka_dlt-original-topic"] == at.source
    assert headers["kafka_dlt-original-partition"] == "0"
    assert headers["kafka_dlt-original-offset"] == "0"
    assert headers["kafka_dlt-original-timestamp"].startswith("20")
    assert headers["kafka_dlt-exception-message"].startswith("not JSON")
    assert headers["replay_count"] == "0"
    assert "'task' is missing" in texts(letters[3].headers)["kafka_dlt-exception-message"]


async def test_admission_decides_what_becomes_of_a_message(kafka: str, tmp_path: Path) -> None:
    def admit(task: Task, message: Any) -> Task:
        if task.task == "rejected":
            raise Rejected("not today")
        if task.task == "skipped":
            raise Skipped
        if task.task == "broken":
            raise RuntimeError("a bug")
        return task

    async with place(kafka, tmp_path, partitions=1) as at:
        for number, text in enumerate(["rejected", "skipped", "broken", "fine"]):
            await at.send({"task_id": f"t{number}", "task": text})
        await at.send({"task": "no id"}, {"task": "long", "task_id": "x" * 2000})
        work = Echo(at)
        async with running(new_stage(at, work, admit=admit)) as stage:
            letters = await at.until_dead(4)
            await at.until_out(1)
            await at.until_settled()
        reasons = [texts(m.headers)["kafka_dlt-exception-message"] for m in letters]
        assert reasons[:3] == ["not today", "RuntimeError: a bug", "field 'task_id' is empty"]
        assert "key of 2002 bytes" in reasons[3]
        assert work.seen == ["t3#1"]
        assert stage.counts["skipped"] == 1


async def test_the_largest_message_becomes_a_dead_letter_that_says_what_was_cut(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        huge = b'{"task_id": "big", "task": "' + b"\\n" * (MAX_MESSAGE_BYTES // 2 - 100) + b'"}'
        await at.send(huge)
        await at.send({"task_id": "good", "task": "x"})
        work = Echo(at)
        async with running(new_stage(at, work)):
            (letter,) = await at.until_dead(1)
            await at.until_out(1)
            await at.until_settled()
        headers = texts(letter.headers)
        assert headers["aimesh_cut_from"] == str(len(huge))
        assert huge.startswith(letter.value)
        assert len(letter.value) > 3 << 20
        assert headers["kafka_dlt-exception-fqcn"] == "TooLargeError"
        assert work.seen == ["good#1"]


async def test_a_backlog_stays_in_kafka_while_all_slots_are_taken(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        work = Echo(at)
        work.may_go_on.clear()
        await at.send(*tasks(30))
        async with running(new_stage(at, work, slots=3)) as stage:
            await until(lambda: len(work.seen) == 3)
            await asyncio.sleep(1.0)
            assert (len(work.seen), len(stage.ledger), await at.lag()) == (3, 3, 27)
            work.may_go_on.set()
            assert set((await at.until_out(30)).values()) == {1}
            await at.until_settled()
            # waiting for a slot must not look like a message that was dropped
            assert stage.app.consumer.healed == 0  # type: ignore[attr-defined]


async def test_results_pass_by_a_large_backlog(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path) as at:
        is_first = True

        async def work(task: Task, job: Job) -> list[Send]:
            nonlocal is_first
            if is_first:
                is_first = False
                return echo(at, task)
            await asyncio.Event().wait()
            return []

        await at.send(*tasks(4000))
        async with running(new_stage(at, work, slots=1)) as stage:
            # what another worker has recorded while this one is busy to the last slot
            job = Job("other", 1, at.source, 0, 9999, "{}", owner="other")
            await at.until_out(1)
            await until(lambda: len(stage.running) == 1)
            await asyncio.sleep(1.0)
            stage.ledger.open(job)
            result = {"key": job.key, "error": "", "error_type": "", "duration_s": 0, "tries": 1}
            sends = [Send(at.out, '{"task_id":"other"}').stored()]
            await at.producer.send_and_wait(
                at.results, orjson.dumps({**result, "sends": sends}), partition=0
            )
            assert "other" in await at.until_out(2, limit=10)


async def test_a_message_that_could_not_be_taken_on_is_taken_on_later(
    kafka: str, tmp_path: Path
) -> None:
    async with place(kafka, tmp_path) as at:
        work = Echo(at)
        stage, failures = new_stage(at, work, slots=1), 3
        opened = stage.ledger.open

        def sometimes(job: Job) -> asyncio.Future[Any]:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise OSError("the disk is full")
            return opened(job)

        stage.ledger.open = sometimes  # type: ignore[method-assign]
        async with running(stage):
            # the last message: none comes behind it
            await at.send({"task_id": "a", "task": "x"})
            await at.until_out(1)
            await at.until_settled()
            assert not stage.runner.slots.locked()
        assert work.seen == ["a#1"]


class Nothing(set[int]):
    """No partitions at all; notes whether it was asked for one."""

    asked = False

    def __contains__(self, partition: object) -> bool:
        self.asked = True
        return False


async def test_a_last_message_that_was_left_alone_is_read_again(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:
        stage = new_stage(at, Echo(at))
        async with running(stage):
            owned, stage.owned = stage.owned, (nothing := Nothing())
            await at.send(*tasks(1))
            await until(lambda: nothing.asked)
            stage.owned = owned  # nobody works on it, and nothing comes behind it
            assert await at.until_out(1) == {"t0": 1}
            await at.until_settled()


async def test_a_last_result_that_was_left_alone_is_read_again(kafka: str, tmp_path: Path) -> None:
    async with place(kafka, tmp_path, partitions=1) as at:
        work = Echo(at)
        work.may_go_on.clear()
        stage = new_stage(at, work)
        async with running(stage):
            await at.send(*tasks(1))
            await until(lambda: len(work.seen) == 1)
            owned, stage.owned = stage.owned, (nothing := Nothing())
            told = {"sends": [], "error": "", "error_type": "", "duration_s": 0, "tries": 1}
            result = dumps({"key": "t0#1", **told})
            await at.producer.send_and_wait(at.results, result, b"t0#1", 0)
            await until(lambda: nothing.asked)
            stage.owned = owned
            await until(lambda: not stage.ledger.jobs())
            assert stage.counts["done"] == 1
            work.may_go_on.set()
