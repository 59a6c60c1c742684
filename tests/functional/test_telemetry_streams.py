"""Events as they happen: SSE that misses nothing, WebSockets that say what they missed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, TCPConnector, web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.tables.telemetry.live import Live, told_of
from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.views.problems import problems
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.routes import routes
from tests.telemetry import Disk, error, event, message
from tests.waiting import until

KINDS = {"message_id": "message", "error_id": "error", "task_id": "event"}


@dataclass
class Observed:
    """Tables that a test fills, and the API over them."""

    tables: TelemetryTables
    live: Live = field(default_factory=Live)
    ready: bool = True
    client: Any = None
    offset: int = 0

    def happen(self, *records: dict[str, Any]) -> None:
        for record in records:
            kind = next(KINDS[name] for name in KINDS if name in record)
            self.offset += 1
            happened = self.tables.apply(self.offset, [[kind, "topic", 0, self.offset, record]])
            self.live.tell(told_of(*one) for one in happened)

    @asynccontextmanager
    async def listening(self, query: str = "", last: str = "") -> AsyncIterator["Events"]:
        """Follow the stream while the body runs."""
        headers = {"Last-Event-ID": last} if last else {}
        path = f"/api/v1/events/stream{query}"
        async with self.client.get(path, headers=headers) as response:
            assert response.status == 200
            yield Events(response)

    @asynccontextmanager
    async def connected(self, name: str = "me") -> AsyncIterator[ClientWebSocketResponse]:
        """Hold a WebSocket open while the body runs."""
        async with self.client.ws_connect(f"/ws/debug/{name}") as socket:
            yield socket


class Events:
    """The events of a stream, one by one."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.last = ""

    async def next(self) -> dict[str, Any]:
        """Return the data of the next event, with its type."""
        async with asyncio.timeout(10):
            while True:
                block = (await self._response.content.readuntil(b"\n\n")).decode()
                lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                self.last = lines.get("id", self.last)
                if "data" in lines:
                    return {"event": lines["event"], **json.loads(lines["data"])}

    async def names(self, count: int) -> list[str]:
        """Return the ids of the next events' messages."""
        return [(await self.next())["message_id"] for _ in range(count)]


@pytest_asyncio.fixture
async def observed() -> AsyncIterator[Observed]:
    found = Observed(Disk().tables(Keep(100, 50, 50)))
    app = web.Application(middlewares=[problems])
    source = Source(found, "")  # type: ignore[arg-type]
    app.add_routes(routes(source, found.live))
    async with TestClient(TestServer(app), connector=TCPConnector(limit=0)) as client:
        found.client = client
        yield found
        await found.live.stop()


async def test_what_happens_is_told_as_it_happens(observed: Observed) -> None:
    observed.happen(message("before"))
    async with observed.listening() as events:
        await until(lambda: observed.live.connections)
        observed.happen(message("m"), error("e", error_message="boom"), event("t", "started", 1))
        told = [await events.next() for _ in range(3)]
    assert [one["event"] for one in told] == ["agent_queue_message", "error", "trace_event"]
    assert [one["type"] for one in told] == ["agent_queue_message", "error", "trace_event"]
    assert told[0]["queue_topic"] == "agent-queue-writer"
    assert told[0]["message_id"] == "m"
    assert told[1]["message"] == told[1]["error_message"] == "boom"


async def test_the_recent_past_can_be_asked_for(observed: Observed) -> None:
    observed.happen(*(message(f"m{n}") for n in range(10)))
    async with observed.listening("?recent=3") as events:
        assert await events.names(3) == ["m7", "m8", "m9"]


async def test_a_stream_goes_on_exactly_where_it_left_off(observed: Observed) -> None:
    async with observed.listening() as events:
        await until(lambda: observed.live.connections)
        observed.happen(*(message(f"m{n}") for n in range(5)))
        assert await events.names(3) == ["m0", "m1", "m2"]
        last = events.last
    observed.happen(*(message(f"m{n}") for n in range(5, 50)))
    async with observed.listening(last=last) as events:
        await until(lambda: observed.live.connections)
        observed.happen(message("new"))
        names = await events.names(48)
    assert names == [*(f"m{n}" for n in range(3, 50)), "new"]


async def test_a_stream_of_one_trace_has_nothing_else_and_goes_on_too(observed: Observed) -> None:
    def some(first: int) -> None:
        for n in range(first, first + 10):
            observed.happen(message(f"a{n}", trace_id="a"), message(f"b{n}", trace_id="b"))
        observed.happen(error("e", trace_id="b"))

    some(0)
    async with observed.listening("?trace_id=a&recent=1000") as events:
        assert await events.names(10) == [f"a{n}" for n in range(10)]
        last = events.last
    some(10)
    async with observed.listening("?trace_id=a", last) as events:
        assert await events.names(10) == [f"a{n}" for n in range(10, 20)]
        some(20)
        assert await events.names(10) == [f"a{n}" for n in range(20, 30)]


async def test_what_retention_has_cut_is_told_as_a_gap(observed: Observed) -> None:
    async with observed.listening() as events:
        await until(lambda: observed.live.connections)
        observed.happen(message("m0"))
        await events.names(1)
        last = events.last
    await until(lambda: not observed.live.connections)
    observed.happen(*(message(f"m{n}") for n in range(1, 131)))
    async with observed.listening(last=last) as events:
        gap = await events.next()
        assert (gap["event"], gap["missed"]) == ("gap", 30)
        assert await events.names(2) == ["m31", "m32"]


async def test_a_position_of_another_log_is_told_and_the_stream_begins_now(
    observed: Observed,
) -> None:
    for last in ("ffff-3", "nonsense", f"{observed.tables.tag}-999"):
        async with observed.listening(last=last) as events:
            gap = await events.next()
            assert (gap["event"], gap["missed"]) == ("gap", None)


async def test_a_stream_ends_when_the_worker_stops(observed: Observed) -> None:
    async with observed.client.get("/api/v1/events/stream") as response:
        await until(lambda: observed.live.connections)
        await observed.live.stop()
        async with asyncio.timeout(5):
            await response.content.read()
    await until(lambda: not observed.live.connections)


async def received(socket: ClientWebSocketResponse) -> Any:
    return await socket.receive_json(timeout=10)


async def test_a_socket_gets_everything_until_it_asks_for_less(observed: Observed) -> None:
    async with observed.connected() as socket:
        await until(lambda: observed.live.connections)
        observed.happen(message("m1", trace_id="x"), error("e1", severity="critical"))
        first, second = await received(socket), await received(socket)
        assert (first["type"], first["source_agent"]) == ("agent_queue_message", "planner")
        assert (second["type"], second["severity"]) == ("error", "critical")
        filters = {"trace_ids": ["t"], "agent_names": [], "event_types": ["error", "task"]}
        await socket.send_json({"type": "subscribe", **filters})
        answer = await received(socket)
        assert answer == {"type": "subscription_updated", "subscription": filters}
        observed.happen(
            message("m2", trace_id="x"),
            message("m3", trace_id="t", message_type="heartbeat"),
            message("m4", trace_id="t"),
            error("e2", trace_id="t"),
        )
        assert (await received(socket))["message_id"] == "m4"
        assert (await received(socket))["error_id"] == "e2"


async def test_a_socket_answers_pings_and_says_what_it_cannot_take(observed: Observed) -> None:
    async with observed.connected() as socket:
        await socket.send_json({"type": "ping"})
        assert await received(socket) == {"type": "pong"}
        for said in ("no json", "[]", '{"type": "dance"}', '{"type":"subscribe","trace_ids":5}'):
            await socket.send_str(said)
            assert (await received(socket))["type"] == "refused"


async def test_a_slow_socket_is_told_how_much_it_missed(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aimesh.tables.telemetry.live.MOST_ENTRIES", 50)
    async with observed.connected() as socket:
        await until(lambda: observed.live.connections)
        observed.happen(*(message(f"m{n}") for n in range(200)))
        gap = await received(socket)
        assert gap["type"] == "gap"
        names = [(await received(socket))["message_id"] for _ in range(200 - gap["missed"])]
        assert names == [f"m{n}" for n in range(gap["missed"], 200)]


async def test_a_plain_request_or_a_strange_name_gets_no_socket(observed: Observed) -> None:
    async with observed.client.get("/ws/debug/me") as response:
        assert response.status == 426
    async with observed.client.get("/ws/debug/%00%22") as response:
        assert response.status == 422


async def test_two_hundred_watch_at_once(observed: Observed) -> None:
    names = [f"client-{n}" for n in range(100)]
    async with asyncio.timeout(60):
        waiting = [asyncio.create_task(_first_events(observed, name)) for name in names]
        listening = [asyncio.create_task(_first_of_stream(observed)) for _ in range(100)]
        await until(lambda: observed.live.connections == 200, 30)
        observed.happen(*(message(f"m{n}") for n in range(5)))
        wanted = [f"m{n}" for n in range(5)]
        assert all(found == wanted for found in await asyncio.gather(*waiting, *listening))
    await until(lambda: not observed.live.connections)


async def _first_events(observed: Observed, name: str) -> list[str]:
    async with observed.connected(name) as socket:
        return [(await received(socket))["message_id"] for _ in range(5)]


async def _first_of_stream(observed: Observed) -> list[str]:
    async with observed.listening() as events:
        return await events.names(5)
