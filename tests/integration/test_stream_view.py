"""The stream as Server-Sent Events, on a real Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.services.feed import FeedHub, StreamEvent
from aimesh.views import streams
from aimesh.views.problems import problems
from aimesh.views.streams import frames, heartbeat
from tests.feeding import PARTITIONS, Feed, feeding

pytestmark = pytest.mark.asyncio(loop_scope="session")

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def streaming(feed: Feed) -> AsyncIterator[tuple[Client, FeedHub]]:
    """Serve a feed's stream."""
    hub = FeedHub(feed.bootstrap, feed.topic, PARTITIONS)
    await hub.start()
    app = web.Application(middlewares=[problems])
    app.add_routes(streams.routes(hub))
    try:
        async with TestClient(TestServer(app)) as client:
            yield client, hub
    finally:
        await hub.stop()


async def blocks(response: ClientResponse, count: int) -> list[dict[str, str]]:
    """Read so many blocks of the stream, each as its fields; a comment has the name ''."""
    found = []
    async with asyncio.timeout(20):
        for _ in range(count):
            text = (await response.content.readuntil(b"\n\n")).decode()
            fields = [line.partition(": ") for line in text.strip().splitlines()]
            found.append({name.rstrip(":"): value for name, _, value in fields})
    return found


async def test_events_come_as_the_standard_says(kafka: str) -> None:
    async with feeding(kafka) as feed, streaming(feed) as (client, _):
        await feed.send("task", {"task_id": "t1"}, partition=0)
        async with client.get(streams.PATH) as response:
            assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Accel-Buffering"] == "no"
            retry, event = await blocks(response, 2)
        assert retry == {"retry": "2000"}
        assert set(event) == {"id", "event", "data"}
        assert event["event"] == "task"
        assert event["id"].endswith("-1.0.0")
        assert '"task_id": "t1"' in event["data"]


@pytest.mark.parametrize("place", ["header", "query"])
async def test_a_client_goes_on_after_its_last_event(kafka: str, place: str) -> None:
    async with feeding(kafka) as feed, streaming(feed) as (client, _):
        for number in range(3):
            await feed.send("task", {"task_id": f"t{number}"}, partition=0)
        async with client.get(streams.PATH) as response:
            _, _, second, _ = await blocks(response, 4)
        named = {"Last-Event-ID": second["id"]}
        asked = {"headers": named} if place == "header" else {"params": named}
        async with client.get(streams.PATH, **asked) as response:  # type: ignore[arg-type]
            _, third = await blocks(response, 2)
        assert '"task_id": "t2"' in third["data"]


async def test_kinds_task_and_recent_narrow_the_stream(kafka: str) -> None:
    async with feeding(kafka) as feed, streaming(feed) as (client, _):
        for number in range(3):
            await feed.send("task", {"task_id": f"t{number}"}, partition=0)
            await feed.send("review", {"task_id": f"t{number}"}, partition=0)
        query = {"kinds": "review,line", "recent": "2"}
        async with client.get(streams.PATH, params=query) as response:
            _, one, two = await blocks(response, 3)
        assert [one["event"], two["event"]] == ["review", "review"]
        assert '"t1"' in one["data"]
        async with client.get(streams.PATH, params={"task_id": "t0"}) as response:
            _, one, two = await blocks(response, 3)
        assert [one["event"], two["event"]] == ["task", "review"]


@pytest.mark.parametrize("recent", ["-1", "1001", "many", "1.5", "", "٣"])
async def test_a_bad_parameter_is_named(kafka: str, recent: str) -> None:
    async with (
        feeding(kafka) as feed,
        streaming(feed) as (client, _),
        client.get(streams.PATH, params={"recent": recent}) as response,
    ):
        assert response.status == 422
        assert "recent" in (await response.json(content_type=None))["detail"]


async def test_silence_is_broken_by_heartbeats_that_keep_the_place(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    async with feeding(kafka) as feed, streaming(feed) as (client, _):
        await feed.send("task", {"task_id": "t1"}, partition=0)
        async with client.get(streams.PATH, params={"kinds": "review"}) as response:
            found: dict[str, str] = {}
            # the hub may not have seen the task yet when it says so for the first time
            while not found.get("id", "").endswith("-1.0.0"):
                (found,) = await blocks(response, 1)
        assert found[""] == "still here"
        assert set(found) == {"", "id"}


async def test_stopping_the_hub_ends_the_connections_at_once(kafka: str) -> None:
    async with feeding(kafka) as feed, streaming(feed) as (client, hub):
        await feed.send("task", {"task_id": "t1"})
        async with client.get(streams.PATH) as response:
            await blocks(response, 2)
            began = time.monotonic()
            await hub.stop()
            assert await response.content.read() == b""
            assert time.monotonic() - began < 1


async def test_too_many_streams_are_refused(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    async with (
        feeding(kafka) as feed,
        streaming(feed) as (client, _),
        client.get(streams.PATH) as first,
    ):
        await blocks(first, 1)
        async with client.get(streams.PATH) as second:
            assert second.status == 503
            assert "Retry-After" in second.headers


async def test_frames_and_heartbeats_are_written_as_blocks() -> None:
    events = [StreamEvent("t-1", "task", b'{"a":1}'), StreamEvent("t-2", "gap", b"{}")]
    assert frames(events) == (
        b'id: t-1\nevent: task\ndata: {"a":1}\n\nid: t-2\nevent: gap\ndata: {}\n\n'
    )
    assert frames([]) == b""
    assert heartbeat("") == b": still here\n\n"
    assert heartbeat("t-2") == b": still here\nid: t-2\n\n"
