"""The applications of a worker write through one client of Kafka: it lasts as long as they do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiokafka
import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition
from faust.exceptions import NotReady

from aimesh.embedded.ports import free_port
from aimesh.faustfix import Clients
from tests.faustapps import Reading, new_reading, new_topic, producer_of, reading
from tests.waiting import until


def client_of(found: Reading) -> aiokafka.AIOKafkaProducer:
    return producer_of(found)._ensure_producer()


async def test_applications_write_through_one_client(kafka: str, tmp_path: Path) -> None:
    clients, topic = Clients(), await new_topic(kafka)
    one, two = (
        new_reading(kafka, tmp_path, topic, name=f"{topic}-{name}", clients=clients)
        for name in ("one", "two")
    )
    place = TopicPartition(topic, 0)
    async with reading(one), reading(two):
        assert client_of(one) is client_of(two)
        await asyncio.gather(
            producer_of(one).write(place, b"a", b"a"), producer_of(two).write(place, b"b", b"b")
        )
        await until(lambda: one.committed() == two.committed() == 2)
    assert one.values == two.values == ["a", "b"]


async def test_applications_that_are_given_nothing_have_a_client_each(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    one, two = (new_reading(kafka, tmp_path, topic, name=f"{topic}-{name}") for name in "ab")
    async with reading(one), reading(two):
        assert client_of(one) is not client_of(two)


async def test_one_that_ends_has_sent_what_it_wrote_and_leaves_the_client_to_the_others(
    kafka: str, tmp_path: Path
) -> None:
    clients, topic = Clients(), await new_topic(kafka)
    stays = new_reading(kafka, tmp_path, topic, name=f"{topic}-stays", clients=clients)
    goes = new_reading(kafka, tmp_path, topic, name=f"{topic}-goes", clients=clients)
    place = TopicPartition(topic, 0)
    async with reading(stays):
        async with reading(goes):
            written = producer_of(goes).write(place, b"a", b"a")
        assert written.done()
        with pytest.raises(NotReady):
            await producer_of(goes).write(place, b"b", b"b")
        await producer_of(stays).write(place, b"c", b"c")
        await until(lambda: stays.committed() == 2)
    assert stays.values == ["a", "c"]


async def test_the_last_one_ends_the_client_and_the_next_one_has_a_new_one(
    kafka: str, tmp_path: Path
) -> None:
    clients, topic, seen = Clients(), await new_topic(kafka), []
    for name in ("first", "second"):
        found = new_reading(kafka, tmp_path, topic, name=f"{topic}-{name}", clients=clients)
        async with reading(found):
            seen.append(client_of(found))
        assert seen[-1]._closed
    assert seen[0] is not seen[1]


async def test_a_client_that_could_not_begin_is_made_anew(kafka: str, tmp_path: Path) -> None:
    clients, topic = Clients(), await new_topic(kafka)
    lost = new_reading(f"127.0.0.1:{free_port()}", tmp_path, topic, name="lost", clients=clients)
    lost.app.finalize()
    with pytest.raises(KafkaConnectionError):
        await producer_of(lost).on_start()
    found = new_reading(kafka, tmp_path, topic, name=f"{topic}-found", clients=clients)
    async with reading(found):
        await producer_of(found).write(TopicPartition(topic, 0), b"a", b"a")
