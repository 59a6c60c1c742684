"""The hub and its subscriptions on a real Kafka."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from aimesh.core.vectors import Place
from aimesh.services.feed import FeedHub, StreamEvent, hub, shelf, subscription
from tests.feeding import PARTITIONS, Feed, create, feeding, new_topic
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def following(feed: Feed) -> AsyncIterator[FeedHub]:
    """Run a hub on a feed."""
    running = FeedHub(feed.bootstrap, feed.topic, PARTITIONS)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def some(events: AsyncIterator[StreamEvent], count: int) -> list[StreamEvent]:
    """Take so many events."""
    async with asyncio.timeout(30):
        return [await anext(events) for _ in range(count)]


async def first(running: FeedHub, count: int, **asked: Any) -> list[StreamEvent]:
    """Subscribe, take so many events, and leave."""
    async with aclosing(iterate(running, **asked)) as events:
        return await some(events, count)


def iterate(running: FeedHub, **asked: Any) -> AsyncGenerator[StreamEvent, None]:
    """Subscribe and return the iterator, which can be closed."""
    iterator = aiter(running.subscribe(**asked))
    assert isinstance(iterator, AsyncGenerator)
    return iterator


def names(events: list[StreamEvent]) -> list[str]:
    """Return the tasks that events are of, or their kind where they are of none."""
    return [json.loads(e.data)["data"].get("task_id") or e.kind for e in events]


async def tasks(feed: Feed, *numbers: int) -> None:
    """Write a task for each number, round the partitions."""
    for number in numbers:
        await feed.send("task", {"task_id": f"t{number}"}, partition=number % PARTITIONS)


async def test_a_client_gets_the_recent_past_and_then_what_comes(kafka: str) -> None:
    async with feeding(kafka) as feed:
        await tasks(feed, 1, 2, 3, 4)
        async with following(feed) as running, aclosing(iterate(running, recent=3)) as events:
            assert names(await some(events, 3)) == ["t2", "t3", "t4"]
            await tasks(feed, 5)
            assert names(await some(events, 1)) == ["t5"]


async def test_many_of_one_kind_do_not_push_out_the_few_of_another(kafka: str) -> None:
    async with feeding(kafka) as feed:
        await tasks(feed, 1)
        for number in range(20):
            await feed.send("lag", {"topic": "ai_topic", "lag": number})
        async with following(feed) as running:
            assert names(await first(running, 6, recent=5)) == ["t1", *["lag"] * 5]


async def test_the_past_is_found_behind_thousands_of_pulses(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LOOK_BACK", 2)
    monkeypatch.setattr(shelf, "MOST_OF_A_KIND", 40)
    async with feeding(kafka) as feed:
        await tasks(feed, 1, 2, 3)
        for number in range(120):
            await feed.send("lag", {"lag": number}, partition=number % PARTITIONS)
        async with following(feed) as running:
            asked = frozenset({"task"})
            assert names(await first(running, 3, kinds=asked)) == ["t1", "t2", "t3"]


async def test_a_client_gets_only_the_kinds_and_the_task_that_it_asked_for(kafka: str) -> None:
    async with feeding(kafka) as feed:
        for task_id in ("t1", "t2"):
            await feed.send("task", {"task_id": task_id})
            await feed.send("review", {"task_id": task_id})
        async with following(feed) as running:
            found = await first(running, 1, kinds=frozenset({"review"}), task_id="t2")
            assert [(e.kind, *names([e])) for e in found] == [("review", "t2")]


async def test_resuming_neither_loses_nor_repeats_whatever_the_order_of_arrival(kafka: str) -> None:
    numbers = range(1, 31)
    async with feeding(kafka) as feed:
        await tasks(feed, *numbers)
        seen: list[StreamEvent] = []
        while len(seen) < len(numbers):
            # another hub each time, which sees the partitions interleaved in its own way
            async with following(feed) as running:
                last = seen[-1].id if seen else None
                seen += await first(running, 3, last_event_id=last)
        assert sorted(names(seen)) == sorted(f"t{number}" for number in numbers)


async def test_what_has_left_the_hub_is_read_from_the_log(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LOOK_BACK", 2)
    async with feeding(kafka) as feed:
        await tasks(feed, 1)
        async with following(feed) as running:
            (begin,) = await first(running, 1)
        await tasks(feed, *range(2, 41))
        async with following(feed) as running:
            assert running.shelf is None or len(running.shelf.start) == PARTITIONS
            events = await first(running, 39, last_event_id=begin.id)
            assert sorted(names(events)) == sorted(f"t{number}" for number in range(2, 41))


async def test_events_from_the_log_come_in_order_of_time(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LOOK_BACK", 1)
    async with feeding(kafka) as feed:
        await tasks(feed, *range(12))
        async with following(feed) as running:
            tag = (await first(running, 1, recent=1))[0].id.partition("-")[0]
            start = Place(tag, (0,) * PARTITIONS).encode()
            events = await first(running, 12, last_event_id=start)
            # the shelf's part comes last, and is one message of each partition
            assert names(events)[:9] == [f"t{number}" for number in range(9)]


async def test_a_client_is_told_what_the_log_no_longer_has(kafka: str) -> None:
    async with feeding(kafka) as feed:
        await tasks(feed, *range(9))
        async with following(feed) as running:
            (begin,) = await first(running, 1, recent=1)
        tag = begin.id.partition("-")[0]
        await cut_off(feed, 2)
        async with following(feed) as running:
            start = Place(tag, (0,) * PARTITIONS).encode()
            told, *rest = await first(running, 1 + 3, last_event_id=start)
            assert told.kind == "gap"
            assert json.loads(told.data)["data"]["missed"] == 2 * PARTITIONS
            assert sorted(names(rest)) == ["t6", "t7", "t8"]


async def cut_off(feed: Feed, offset: int) -> None:
    """Delete what lies before an offset in every partition, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=feed.bootstrap)
    await admin.start()
    try:
        places = [TopicPartition(feed.topic, number) for number in range(PARTITIONS)]
        await admin.delete_records({place: RecordsToDelete(offset) for place in places})
    finally:
        await admin.close()


@pytest.mark.parametrize("id_of", ["nonsense", "ffffffff-1.2.3", "{tag}-1.2", "{tag}-9.9.9999"])
async def test_a_position_of_another_log_begins_anew_and_says_so(kafka: str, id_of: str) -> None:
    async with feeding(kafka) as feed:
        await tasks(feed, 1, 2)
        async with following(feed) as running:
            (event,) = await first(running, 1, recent=1)
            asked = id_of.format(tag=event.id.partition("-")[0])
            told, *rest = await first(running, 3, last_event_id=asked)
            assert told.kind == "gap"
            assert json.loads(told.data)["data"]["missed"] is None
            assert sorted(names(rest)) == ["t1", "t2"]


async def test_a_slow_client_reads_the_log_as_long_as_it_is_not_too_far_behind(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_ENTRIES", 10)
    async with (
        feeding(kafka) as feed,
        following(feed) as running,
        aclosing(iterate(running)) as events,
    ):
        await tasks(feed, 0)
        await some(events, 1)
        await tasks(feed, *range(1, 41))
        await until(lambda: running.shelf and sum(running.shelf.head) == 41)
        late = await some(events, 40)
        assert sorted(names(late)) == sorted(f"t{number}" for number in range(1, 41))
        assert len({event.id for event in late}) == 40


async def test_a_client_too_far_behind_is_told_how_much_it_missed(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_ENTRIES", 9)
    monkeypatch.setattr(subscription, "MOST_BEHIND", 15)
    async with (
        feeding(kafka) as feed,
        following(feed) as running,
        aclosing(iterate(running)) as events,
    ):
        await tasks(feed, 0)
        await some(events, 1)
        await tasks(feed, *range(1, 45))
        await until(lambda: running.shelf and sum(running.shelf.head) == 45)
        told, *rest = await some(events, 1 + 15 + 9)
        assert told.kind == "gap"
        assert json.loads(told.data)["data"]["missed"] == 44 - 15 - 9
        assert len(set(names(rest))) == 15 + 9


async def test_memory_is_bounded_in_bytes(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_BYTES", 300_000)
    monkeypatch.setattr(shelf, "MOST_BYTES_OF_A_KIND", 150_000)
    async with feeding(kafka) as feed:
        for _ in range(10):
            await feed.send("line", {"message": "x" * 100_000}, partition=0)
        async with following(feed) as running:
            await until(lambda: running.shelf)
            held = running.shelf
            assert held is not None
            assert held.next - held.first == 2
            assert len(held.keepsakes.newest(10, lambda entry: True)) == 1


async def test_unreadable_messages_are_passed_over(kafka: str) -> None:
    async with feeding(kafka) as feed:
        for value in (b"", b"{", b"\xff", b"[]", b'{"kind": "a b", "data": {}}', b'{"kind": "x"}'):
            await feed.send_bytes(value, partition=0)
        await feed.send_bytes(b'{"kind": "line",\r\n "data": {}}', partition=0)
        async with following(feed) as running:
            (event,) = await first(running, 1)
            assert event.kind == "line"
            assert b"\n" not in event.data
            assert event.id.partition("-")[2] == "7.0.0"


async def test_the_hub_waits_for_its_topic_and_does_not_create_it(kafka: str) -> None:
    topic = new_topic()
    running = FeedHub(kafka, topic, PARTITIONS)
    await running.start()
    try:
        async with aclosing(running.subscribe().batches(0.2)) as batches:
            assert await anext(batches) == []
            await create(kafka, topic)
            async with feeding(kafka, topic, made=True) as feed:
                await tasks(feed, 1)
                found: list[StreamEvent] = []
                async with asyncio.timeout(20):
                    while not found:
                        found = await anext(batches)
            assert names(found) == ["t1"]
    finally:
        await running.stop()


async def test_clients_begin_anew_when_the_topic_is_made_anew(kafka: str) -> None:
    async with feeding(kafka) as feed:
        await tasks(feed, *range(1, 10))
        async with following(feed) as running, aclosing(iterate(running)) as events:
            await some(events, 9)
            admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
            await admin.start()
            await admin.delete_topics([feed.topic])
            await admin.close()
            await asyncio.sleep(1)  # a broker deletes in the background, and tells nobody when
            await create(kafka, feed.topic)
            await tasks(feed, 11)
            told, event = await some(events, 2)
            assert (told.kind, *names([event])) == ("gap", "t11")


async def test_stopping_ends_every_subscription_at_once(kafka: str) -> None:
    async with feeding(kafka) as feed:
        await tasks(feed, 1)
        running = FeedHub(feed.bootstrap, feed.topic, PARTITIONS)
        await running.start()
        subscriptions = [running.subscribe() for _ in range(20)]

        async def all_of(client: subscription.Subscription) -> list[str]:
            return names([event async for event in client])

        clients = [asyncio.create_task(all_of(client)) for client in subscriptions]
        await until(lambda: all(client.place for client in subscriptions))
        await running.stop()
        async with asyncio.timeout(1):
            assert await asyncio.gather(*clients) == [["t1"]] * 20
