"""Writes that go out together, each with an answer of its own, and messages handed on at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import TopicPartition
from faust.exceptions import NotReady

from aimesh.errors import LeaseLostError
from aimesh.faustfix import MeshProducer
from tests.faustapps import limit_topic, new_reading, new_topic, producer_of, reading, write
from tests.waiting import until


def requests(producer: MeshProducer) -> list[int]:
    """Note from now on how many records each request has."""
    sender: Any = producer._ensure_producer()._sender
    send, sizes = sender._send_produce_req, list[int]()

    async def noting(node: int, batches: dict[Any, Any]) -> None:
        sizes.append(sum(batch.record_count for batch in batches.values()))
        await send(node, batches)

    sender._send_produce_req = noting
    return sizes


class Writing:
    """Somebody who writes: whether it may, and what it was told."""

    def __init__(self, *, may: bool = True) -> None:
        self.may = may
        self.told: list[tuple[int, int]] = []

    def may_send(self) -> bool:
        return self.may

    def arrived(self, place: TopicPartition, first: int, last: int) -> None:
        self.told.append((first, last))


async def test_writes_that_come_together_share_requests_and_keep_their_order(
    kafka: str, tmp_path: Path
) -> None:
    topic, other = await new_topic(kafka), await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        producer = producer_of(found)
        place = TopicPartition(other, 0)
        await producer.write(place, b"first", b"x")
        sizes = requests(producer)
        writer = Writing()
        sent = await asyncio.gather(
            *(producer.write(place, b"k", b"%01000d" % n, writer=writer) for n in range(200))
        )
        told = writer.told
        assert [metadata.offset for metadata in sent] == list(range(1, 201))
        assert (sum(sizes), len(sizes) <= 3) == (200, True)  # not one for every 16 KB
        # batch after batch, without a gap
        assert [first for first, _ in told] == [1, *(last + 1 for _, last in told[:-1])]
        assert told[-1][1] == 200


async def test_more_than_fits_in_a_batch_goes_on_in_the_next(kafka: str, tmp_path: Path) -> None:
    topic, other = await new_topic(kafka), await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        producer, place = producer_of(found), TopicPartition(other, 0)
        sizes = [10_000, 10_000, 1_000_000, 10, 10_000, 20_000]
        sent = await asyncio.gather(*(producer.write(place, b"k", b"x" * n) for n in sizes))
        assert [metadata.offset for metadata in sent] == list(range(len(sizes)))


async def test_what_is_too_large_together_arrives_in_order_but_for_what_is_too_large_alone(
    kafka: str, tmp_path: Path
) -> None:
    topic, other = await new_topic(kafka), await new_topic(kafka)
    await limit_topic(kafka, other, 60_000)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        producer, place, writer = producer_of(found), TopicPartition(other, 0), Writing()
        values = [b"%05d" % n * (20_000 if n == 7 else 2_000) for n in range(20)]
        sent = [
            producer.write(place, b"%d" % n, value, [("n", b"%d" % n)], writer)
            for n, value in enumerate(values)
        ]
        behind = producer.write(place, None, None)
        # it ends only when all of them have gone out
        await producer._ensure_producer().flush()
        assert behind.done()
        with pytest.raises(MessageSizeTooLargeError):
            await sent.pop(7)
        assert [one.result().offset for one in sent] == list(range(19))
        assert behind.result().offset == 19
        told = [offset for first, last in writer.told for offset in range(first, last + 1)]
        assert sorted(told) in (list(range(19)), list(range(20)))
    del values[7]
    async with AIOKafkaConsumer(
        other, bootstrap_servers=kafka, auto_offset_reset="earliest"
    ) as consumer:
        for value in values:
            message = await consumer.getone()
            number = b"%d" % int(value[:5])
            assert (message.key, message.value) == (number, value)
            assert message.headers == (("n", number),)
        message = await consumer.getone()
        assert (message.key, message.value, message.headers) == (None, None, ())


async def test_what_may_no_longer_be_sent_fails_and_holds_nothing_else_up(
    kafka: str, tmp_path: Path
) -> None:
    topic, other = await new_topic(kafka), await new_topic(kafka, 2)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        producer, lost = producer_of(found), Writing(may=False)
        own, place = TopicPartition(other, 0), TopicPartition(other, 1)
        for _ in range(2):
            # alone, and in one request with what may be sent
            with pytest.raises(LeaseLostError):
                await producer.write(own, b"k", b"x", writer=lost)
            failing = producer.write(own, b"k", b"x", writer=lost)
            assert (await producer.write(place, b"k", b"x")).partition == 1
            with pytest.raises(LeaseLostError):
                await failing
        assert lost.told == []
        lost.may = True
        # it is the first that is there
        assert (await producer.write(own, b"k", b"x", writer=lost)).offset == 0


async def test_a_write_without_a_running_producer_fails(kafka: str, tmp_path: Path) -> None:
    found = new_reading(kafka, tmp_path, await new_topic(kafka))
    with pytest.raises(NotReady):
        await producer_of(found).write(TopicPartition("t", 0), b"k", b"x")


async def test_messages_are_handed_on_without_tasks(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        await write(kafka, topic, "warm")
        await until(lambda: len(found.values) == 1)
        made = list[str]()
        create = asyncio.get_running_loop().create_task

        def noting(coroutine: Any, **options: Any) -> Any:
            made.append(coroutine.__qualname__)
            return create(coroutine, **options)

        monkeypatch.setattr(asyncio.get_running_loop(), "create_task", noting)
        await write(kafka, topic, *(str(n) for n in range(50)))
        await until(lambda: len(found.values) == 51)
        assert not [name for name in made if name.endswith("on_message")]


async def test_a_message_that_has_to_wait_is_handed_on_in_its_turn(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        topics: Any = found.app.topics
        lock = topics._tp_to_callback_lock
        async with lock:
            await write(kafka, topic, "1", "2", "3")
            await until(lambda: lock._waiters)
            assert not found.values
        await until(lambda: len(found.values) == 3)
        assert found.values == ["1", "2", "3"]


async def test_what_waits_is_sent_when_another_topic_becomes_known(
    kafka: str, tmp_path: Path
) -> None:
    topic, other = await new_topic(kafka), await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    async with reading(found):
        producer = producer_of(found)
        client: Any = producer._ensure_producer()
        # all topics are known to it, though it was told of none; a request is under way
        await client.client.force_metadata_update()
        node = client.client.cluster.leader_for_partition(TopicPartition(other, 0))
        assert node is not None
        client._sender._in_flight.add(node)
        waiting: Any = await producer.send(other, b"k", b"v", 0, None, None)
        unknown = await new_topic(kafka)
        written = producer.write(TopicPartition(unknown, 0), b"k", b"v")
        await until(lambda: unknown in client.client.cluster.topics())
        client._sender._in_flight.remove(node)
        client._message_accumulator._wakeup(client._message_accumulator.waiter())
        async with asyncio.timeout(10):
            assert (await written).offset == 0
            assert (await waiting).offset == 0
