"""Tables that are what their changelog is, and come back whatever happens while they are read."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition
from faust.tables.recovery import RebalanceAgain, ServiceStopped
from faust.types import TP

from aimesh.errors import TooLargeError
from aimesh.faustfix import MeshApp, MeshTable, Position, writing_for
from aimesh.faustfix.table_writer import TableWriter
from aimesh.topics import MAX_MESSAGE_BYTES
from tests.faustapps import Reading, new_reading, new_topic, reading, started, stock_tables
from tests.waiting import until

both = pytest.mark.parametrize("make", [MeshApp, stock_tables], ids=["corrected", "stock"])


class Tabled:
    """An application with a table, on one partition of a topic."""

    def __init__(self, found: Reading, table: MeshTable) -> None:
        self.reading, self.table, self.app = found, table, found.app
        self.changelog = TP(table.changelog_topic_name, 0)

    @property
    def is_ready(self) -> bool:
        return bool(self.app.rebalancing_count and not self.app.rebalancing)


def new_tabled(
    kafka: str, folder: Path, topic: str, make: Callable[..., MeshApp] = MeshApp, **options: Any
) -> Tabled:
    found = new_reading(kafka, folder, topic, make, **options)
    return Tabled(found, found.app.table("t", 1, "A table."))


@asynccontextmanager
async def tabled(kafka: str, folder: Path, topic: str, **options: Any) -> AsyncIterator[Tabled]:
    found = new_tabled(kafka, folder, topic, **options)
    async with reading(found.reading):
        yield found


async def test_a_write_is_done_when_the_broker_has_it(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        sent = await found.table.put("a", {"n": 1}, 0)
        assert (sent.topic, sent.partition, sent.offset) == (*found.changelog, 1)
        with writing_for(Position(topic, 0)):
            assert found.table["a"] == found.table.look("a", 0) == {"n": 1}
            await asyncio.gather(found.table.put("b", [2]), found.table.put("é\n", "x"))
            assert sorted(found.table.keys()) == ["a", "b", "é\n"]
        await found.table.drop("a", 0)
        assert found.table.look("a", 0) is None
    # on another disk it is read from the broker
    async with tabled(kafka, tmp_path / "other", topic) as found:
        assert (found.table.look("a", 0), found.table.look("b", 0)) == (None, [2])
        assert found.table.look("é\n", 0) == "x"


async def test_a_write_that_fails_says_so(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        producer: Any = found.app.producer
        written = found.table.put("a", 1, 0)
        for batch in producer._producer._message_accumulator._batches[found.changelog]:
            batch.failure(KafkaTimeoutError("too late"))
        with pytest.raises(KafkaTimeoutError):
            await written
        await found.table.put("a", 2, 0)


async def ends_on_stock(scenario: str, kafka: str, folder: Path, topic: str) -> bool:
    """Whether a scenario ends a worker of stock Faust."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.stock_program", scenario, kafka, str(folder), topic
    )
    return await asyncio.wait_for(program.wait(), 60) == 1


async def test_a_value_too_large_for_the_broker_harms_nothing(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await found.table.put("a", "small", 0)
        huge = "x" * MAX_MESSAGE_BYTES
        with pytest.raises(TooLargeError, match="larger than"):
            found.table.put("a", huge, 0)
        assert found.table.look("a", 0) == "small"
        await found.table.put("a", "again", 0)
    assert await ends_on_stock("large", kafka, tmp_path, topic)


async def test_slices_go_through_a_table_in_order(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await asyncio.gather(*(found.table.put(f"k{n:03}", n, 0) for n in range(250)))
        after, keys = b"", list[str]()
        while items := found.table.slice_after(after, 100, 0):
            assert len(items) <= 100
            after = items[-1][0]
            keys += [key for _, key, _ in items]
        assert keys == [f"k{n:03}" for n in range(250)]
        assert found.table.slice_after(b"", 1, 0)[0][1:] == ("k000", 0)


def late_answer(found: Tabled, generation: int) -> Any:
    """The broker's answer to a write of a generation of the group."""
    answer: Any = asyncio.get_running_loop().create_future()
    answer.writer = TableWriter(found.table, generation)

    class Metadata:
        topic_partition = TopicPartition(*found.changelog)
        offset = 70

    answer.set_result(Metadata)
    return answer


async def test_a_late_answer_from_before_a_move_marks_no_offset(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await found.table.put("a", 1, 0)
        table, now = found.table, found.app.consumer_generation_id
        table._on_changelog_sent(late_answer(found, now - 1))
        assert table.persisted_offset(found.changelog) == 1
        # stock Faust does: what the new owner wrote in between would never be read here
        faust.Table._on_changelog_sent(table, late_answer(found, now - 1))
        assert table.persisted_offset(found.changelog) == 70
        table._on_changelog_sent(late_answer(found, now))
        assert table.persisted_offset(found.changelog) == 70


async def test_records_of_other_tables_are_not_taken_in(kafka: str, tmp_path: Path) -> None:
    def record(topic: str, key: bytes) -> Any:
        class Message:
            value, offset, partition, headers = b"1", 5, 0, ()
            tp = TP(topic, 0)

        class Event:
            message: Any = Message

        Message.topic, Message.key = topic, key  # type: ignore[attr-defined]
        return Event

    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        own = found.changelog.topic
        found.table.apply_changelog_batch([record(own, b'"a"'), record("other", b'"b"')])
        assert (found.table.look("a", 0), found.table.look("b", 0)) == (1, None)


async def test_local_state_ahead_of_its_changelog_is_read_again(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await asyncio.gather(*(found.table.put(f"k{n}", n, 0) for n in range(5)))
        await found.table.drop("k0", 0)
        # as if the broker had lost its last records when its machine failed
        found.table._db(0).put(b'"lost"', b"1")
        found.table.local.set_persisted_offset(found.changelog, 1000)
    copy = shutil.copytree(tmp_path, tmp_path.with_name("copy"))
    assert await ends_on_stock("ahead", kafka, copy, topic)
    again = new_tabled(kafka, tmp_path, topic)
    async with started(again.app):
        await until(lambda: again.is_ready, 20)
        assert [again.table.look(f"k{n}", 0) for n in range(5)] == [None, 1, 2, 3, 4]
        assert again.table.look("lost", 0) is None


async def test_a_broken_database_is_read_again(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await asyncio.gather(*(found.table.put(f"k{n}", n, 0) for n in range(5)))
        path = found.table.local.partition_path(0)
    for manifest in path.glob("MANIFEST-*"):
        manifest.write_bytes(b"nothing of the kind" * 100)
    async with tabled(kafka, tmp_path, topic) as found:
        assert found.table.look("k4", 0) == 4


async def test_a_broker_that_fails_while_tables_are_read_is_asked_again(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await found.table.put("a", 1, 0)
    again = new_tabled(kafka, tmp_path / "other", topic)
    consumer: Any = again.app.consumer
    highwaters, failures = consumer.highwaters, 2

    async def sometimes(*tps: TP) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise KafkaTimeoutError("no answer")
        return await highwaters(*tps)

    consumer.highwaters = sometimes
    async with started(again.app):
        await until(lambda: again.is_ready, 20)
        assert again.table.look("a", 0) == 1
    assert await ends_on_stock("timeout", kafka, tmp_path / "stock", topic)


@both
async def test_no_answer_in_time_is_not_taken_for_being_stopped(
    kafka: str, tmp_path: Path, make: Callable[..., MeshApp]
) -> None:
    topic = await new_topic(kafka)
    found = new_tabled(kafka, tmp_path, topic, make)
    async with reading(found.reading):
        tables: Any = found.app.tables
        # stock Faust then ends its recovery for good, and the worker does nothing any more
        wanted = RebalanceAgain if make is MeshApp else ServiceStopped
        with pytest.raises(wanted):
            await tables.recovery._wait(asyncio.Event().wait(), timeout=0.05)


@pytest.mark.parametrize(
    "lost", [range(5), range(2, 5), range(3)], ids=["all", "the end", "the beginning"]
)
async def test_records_that_are_dropped_while_tables_are_read_are_read_again(
    kafka: str, tmp_path: Path, lost: range
) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await asyncio.gather(*(found.table.put(f"k{n}", n, 0) for n in range(5)))
    again = new_tabled(kafka, tmp_path / "other", topic)
    consumer: Any = again.app.consumer
    fetched, dropped = consumer._wait_next_records, list[int]()

    async def fewer(timeout: float) -> Any:
        records, active = await fetched(timeout)
        for tp, batch in (records or {}).items():
            if tp.topic == found.changelog.topic and not dropped:
                dropped.extend(record.offset for record in batch if record.offset in lost)
                records[tp] = [record for record in batch if record.offset not in lost]
        return records, active

    consumer._wait_next_records = fewer
    async with started(again.app):
        await until(lambda: again.is_ready, 20)
        assert dropped == list(lost)
        assert [again.table.look(f"k{n}", 0) for n in range(5)] == [0, 1, 2, 3, 4]


async def test_a_changelog_whose_last_record_is_gone_is_read_to_its_end(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await asyncio.gather(*(found.table.put(f"k{n}", n, 0) for n in range(3)))
    # an end without a record, as compaction may leave it: the marker of a transaction
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{topic}-t")
    async with producer, producer.transaction():
        await producer.send_and_wait(found.changelog.topic, b"9", b'"k9"', partition=0)
    assert await ends_on_stock("waiting", kafka, tmp_path / "stock", topic)
    again = new_tabled(kafka, tmp_path / "other", topic)
    async with started(again.app):
        await until(lambda: again.is_ready, 30)
        assert [again.table.look(f"k{n}", 0) for n in (2, 9)] == [2, 9]


async def test_a_gap_in_the_middle_of_a_changelog_is_passed(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    async with tabled(kafka, tmp_path, topic) as found:
        await found.table.put("k0", 0, 0)
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{topic}-t")
        async with producer, producer.transaction():
            await producer.send_and_wait(found.changelog.topic, b"9", b'"k9"', partition=0)
        await found.table.put("k1", 1, 0)
    again = new_tabled(kafka, tmp_path / "other", topic)
    async with started(again.app):
        await until(lambda: again.is_ready, 20)
        assert [again.table.look(f"k{n}", 0) for n in (0, 9, 1)] == [0, 9, 1]


async def test_an_application_can_be_stopped_while_it_reads_its_tables(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    found = new_tabled(kafka, tmp_path, topic)
    consumer: Any = found.app.consumer
    asked = asyncio.Event()

    async def no_answer(*_: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    consumer.highwaters = no_answer
    found.app.finalize()
    starting = asyncio.create_task(found.app.start())
    async with asyncio.timeout(20):
        await asked.wait()
        await found.app.stop()
        await asyncio.wait([starting])
