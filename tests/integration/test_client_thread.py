"""The clients of Kafka of a worker share one thread, which lasts as long as any of them does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from aimesh.embedded.ports import free_port
from aimesh.faustfix import Clients
from tests.faustapps import Reading, new_reading, new_topic, reading, write
from tests.waiting import until

THREAD = "kafka-clients"


def threads() -> int:
    """How many threads of clients there are."""
    return [thread.name for thread in threading.enumerate()].count(THREAD)


def loop_of(found: Reading) -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = found.consumer._thread.thread_loop
    return loop


async def test_applications_share_the_thread_they_are_given(kafka: str, tmp_path: Path) -> None:
    clients, topic = Clients(), await new_topic(kafka)
    one, two = (
        new_reading(kafka, tmp_path, topic, name=f"{topic}-{name}", clients=clients)
        for name in ("one", "two")
    )
    async with reading(one), reading(two):
        assert threads() == 1
        assert loop_of(one) is loop_of(two) is clients.thread.loop
        await write(kafka, topic, "a", "b")
        await until(lambda: one.committed() == two.committed() == 2)
    assert threads() == 0
    assert one.values == two.values == ["a", "b"]


async def test_one_that_ends_leaves_the_others_alone(kafka: str, tmp_path: Path) -> None:
    clients, topic = Clients(), await new_topic(kafka)
    stays = new_reading(kafka, tmp_path, topic, name=f"{topic}-stays", clients=clients)
    goes = new_reading(kafka, tmp_path, topic, name=f"{topic}-goes", clients=clients)
    async with reading(stays):
        async with reading(goes):
            pass
        assert threads() == 1
        await write(kafka, topic, "a")
        await until(lambda: stays.committed() == 1)
    assert (threads(), stays.values) == (0, ["a"])


async def test_the_thread_begins_again_with_the_next_one(kafka: str, tmp_path: Path) -> None:
    clients, topic = Clients(), await new_topic(kafka)
    for name in ("first", "second"):
        found = new_reading(kafka, tmp_path, topic, name=f"{topic}-{name}", clients=clients)
        async with reading(found):
            assert threads() == 1
        assert threads() == 0


async def test_one_that_cannot_begin_says_so_and_leaves_no_thread(tmp_path: Path) -> None:
    found = new_reading(f"127.0.0.1:{free_port()}", tmp_path, "nowhere")
    found.app.finalize()
    with pytest.raises(KafkaConnectionError):
        await found.consumer._thread.start()
    await found.consumer._thread.stop()
    assert threads() == 0
