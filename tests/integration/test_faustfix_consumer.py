"""Nothing is lost between broker and streams, where stock Faust loses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from faust.types import TP

from aimesh import fetching
from aimesh.core.delivery import Delivery
from aimesh.faustfix import MeshApp, MeshConsumer
from tests.faustapps import (
    Reading,
    StockConsumerApp,
    new_reading,
    new_topic,
    reading,
    write,
)
from tests.waiting import until

NUMBERS = [str(n) for n in range(8)]

both = pytest.mark.parametrize("make", [MeshApp, StockConsumerApp], ids=["corrected", "stock"])


def dropping(found: Reading, *offsets: int, times: int = 1) -> None:
    """Let records be fetched and dropped, as happens around a rebalance."""
    fetched, left = found.consumer._wait_next_records, times

    async def fewer(timeout: float) -> Any:
        nonlocal left
        records, active = await fetched(timeout)
        for tp, batch in (records or {}).items():
            kept = [r for r in batch if tp.topic != found.topic or r.offset not in offsets]
            if left and len(kept) < len(batch):
                left -= 1
                records[tp] = kept
        return records, active

    found.consumer._wait_next_records = fewer


@both
async def test_a_commit_never_passes_a_message_that_is_at_work(
    kafka: str, tmp_path: Path, make: Callable[..., MeshApp]
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic, make)
    found.holds = lambda event: event.message.offset == 0
    async with reading(found):
        await write(kafka, topic, *NUMBERS)
        await until(lambda: len(found.values) == 8)
        if make is StockConsumerApp:
            await until(lambda: found.committed() == 8)  # a kill now loses the first message
            return
        await asyncio.sleep(0.6)
        assert found.committed() == 0
        found.held[0].ack()
        await until(lambda: found.committed() == 8)


@both
async def test_messages_that_were_fetched_and_dropped_are_read_again(
    kafka: str, tmp_path: Path, make: Callable[..., MeshApp]
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic, make)
    async with reading(found):
        dropping(found, 2, 3, 4)
        await write(kafka, topic, *NUMBERS[:2])
        await until(lambda: found.committed() == 2)
        await write(kafka, topic, *NUMBERS[2:])
        await until(lambda: found.committed() == 8)
    missing = [] if make is MeshApp else ["2", "3", "4"]
    assert [n for n in NUMBERS if n not in found.values] == missing


@pytest.mark.parametrize("dropped", [(7,), (0, 1, 2, 3, 4, 5, 6, 7)], ids=["last", "all"])
async def test_what_nothing_comes_behind_is_read_again_too(
    kafka: str, tmp_path: Path, dropped: tuple[int, ...]
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        dropping(found, *dropped, times=5)
        await write(kafka, topic, *NUMBERS)
        await until(lambda: found.committed() == 8, 20)
    assert found.values == NUMBERS
    assert found.consumer.healed > 0


async def test_what_was_lost_from_a_stream_is_read_again(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):

        def forget(event: Any) -> bool:
            # delivered, and then nobody has it any more
            if event.message.offset in (3, 4) and found.values.count(event.value.decode()) == 1:
                found.app.loop.call_soon(found.held.clear)
                return True
            return False

        found.holds = forget
        await write(kafka, topic, *NUMBERS)
        await until(lambda: found.committed() == 8, 20)
    assert found.values.count("3") == found.values.count("4") == 2


async def test_what_somebody_still_has_is_not_read_again(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    found.holds = lambda event: event.message.offset < 3
    async with reading(found):
        await write(kafka, topic, *NUMBERS)
        await until(lambda: len(found.values) == 8)
        await asyncio.sleep(3.5)  # three looks
        assert found.values == NUMBERS
        assert found.consumer.healed == 0


async def test_gaps_of_the_log_itself_are_passed(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{topic}-t")
        async with producer:
            for first in (0, 4):
                async with producer.transaction():
                    for number in NUMBERS[first : first + 4]:
                        await producer.send_and_wait(topic, number.encode(), partition=0)
        # 8 messages, and a marker behind each transaction; also the one at the very end is passed
        await until(lambda: found.committed() == 10, 30)
    assert found.values == NUMBERS


async def test_deleted_messages_are_passed(kafka: str, tmp_path: Path) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    found.holds = lambda event: True
    async with reading(found):
        await write(kafka, topic, *NUMBERS[:2])
        await until(lambda: len(found.values) == 2)
    await write(kafka, topic, *NUMBERS[2:])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(5)})
    finally:
        await admin.close()
    again = new_reading(kafka, tmp_path, topic)
    async with reading(again):
        await until(lambda: again.committed() == 8)
    assert again.values == NUMBERS[5:]


@both
async def test_a_commit_beyond_the_end_of_the_log_hides_nothing(
    kafka: str, tmp_path: Path, make: Callable[..., MeshApp]
) -> None:
    topic = await new_topic(kafka)
    await write(kafka, topic, *NUMBERS)
    found = new_reading(kafka, tmp_path, topic, make)
    # a broker that lost the end of its log when its machine failed; the group's offset was kept
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, group_id=found.app.conf.id, enable_auto_commit=False
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.commit({TopicPartition(topic, 0): 50})
    await consumer.stop()
    async with reading(found):
        if make is StockConsumerApp:
            await asyncio.sleep(2.0)
            assert found.values == []
            return
        await until(lambda: found.committed() == 8)
    assert found.values == NUMBERS


async def test_positions_that_could_not_be_found_are_found_later(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    seek, failures = MeshConsumer.perform_seek, 1

    async def sometimes(self: MeshConsumer) -> None:
        nonlocal failures
        failures -= 1
        if failures < 0:
            await seek(self)

    monkeypatch.setattr(MeshConsumer, "perform_seek", sometimes)
    async with reading(found):
        await write(kafka, topic, *NUMBERS)
        await until(lambda: found.committed() == 8, 20)
    assert found.values == NUMBERS


async def test_partitions_that_are_taken_away_while_another_is_sought_are_left_alone(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka, partitions=2)
    found = new_reading(kafka, tmp_path, topic)
    sought = list[TP]()

    async def taken_away(self: MeshConsumer, tp: TP, offset: int) -> None:
        sought.append(tp)
        await self.on_partitions_revoked({TP(topic, 0), TP(topic, 1)})

    async with reading(found):
        await write(kafka, topic, *NUMBERS)
        await until(lambda: len(found.values) == 8)
        with monkeypatch.context() as patch:
            patch.setattr(Delivery, "lost", lambda self, *_: 0)
            patch.setattr(MeshConsumer, "seek", taken_away)
            await found.consumer._look()
    assert len(sought) == 1


async def test_an_acknowledgement_from_before_a_rebalance_does_not_count(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    first = new_reading(kafka, tmp_path, topic)
    first.holds = lambda event: True
    async with reading(first):
        await write(kafka, topic, *NUMBERS)
        await until(lambda: len(first.held) == 8)
        old = list(first.held)
        second = new_reading(kafka, tmp_path / "second", topic)
        second.holds = lambda event: True
        async with reading(second):
            await until(lambda: first.app.rebalancing_count > 1 and not first.app.rebalancing, 20)
            for event in old:
                event.ack()
            await until(lambda: len(first.held) + len(second.held) == 16)
            await asyncio.sleep(0.6)
            assert first.committed() == second.committed() == 0


@both
async def test_the_fetch_wait_suits_small_clusters(
    kafka: str, tmp_path: Path, make: Callable[..., MeshApp]
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic, make)
    async with reading(found):
        # how long a drained partition may wait for idle ones
        wait = found.consumer._thread._ensure_consumer()._fetcher._fetch_max_wait_ms
    assert wait == (100 if make is MeshApp else 1500)


async def test_fetches_of_a_calm_consumer_wait_longer_until_many_messages_come(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # however many pieces they come in
    monkeypatch.setattr(fetching, "MANY", 1)
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        thread = found.consumer._thread
        fetcher = thread._ensure_consumer()._fetcher
        thread._fetch_wait._busy_at -= 3600
        await until(lambda: fetcher._fetch_max_wait_ms == 1000)
        await write(kafka, topic, *NUMBERS)
        await until(lambda: fetcher._fetch_max_wait_ms == 100)


async def test_seeks_happen_in_the_thread_that_uses_the_client(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        thread = found.consumer._thread
        loops: list[asyncio.AbstractEventLoop] = []
        client = thread._ensure_consumer()
        sought = client.seek

        def noted(*at: Any) -> None:
            loops.append(asyncio.get_running_loop())
            sought(*at)

        monkeypatch.setattr(client, "seek", noted)
        await found.consumer.seek(TopicPartition(topic, 0), 0)
        assert loops == [thread.thread_loop]
        # with a partition that is not ours nothing happens
        await found.consumer.seek(TopicPartition(topic, 7), 0)
