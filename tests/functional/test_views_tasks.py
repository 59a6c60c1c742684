"""One task with all of its events, as its page asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.agents.observer import Observer
from aimesh.errors import UnavailableError
from aimesh.views.problems import problems
from aimesh.views.tasks import TaskViews
from aimesh.views.tasks_reading import Found, TaskEvents
from tests.tables import MemoryTables, way

Client = TestClient[web.Request, web.Application]


class Events:
    """Stands where the topics are read."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def of(self, state: Mapping[str, Any]) -> Found:
        self.asked.append(state["task_id"])
        if self.error is not None:
            raise self.error
        return Found([event.stored() for event in way(state["task_id"], 10)], whole=False)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def known() -> MemoryTables:
    tables = MemoryTables()
    tables.tell(*way("t-1", 10))
    return tables


@pytest.fixture
async def client(known: MemoryTables, events: Events) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems])
    views = TaskViews(cast(Observer, known), cast(TaskEvents, events))
    app.router.add_routes(views.routes())
    async with TestClient(TestServer(app)) as made:
        yield made


async def ask(client: Client, task_id: str) -> tuple[int, dict[str, Any]]:
    answer = await client.get(f"/api/v1/mesh/tasks/{task_id}/events")
    return answer.status, await answer.json()


async def test_a_task_comes_with_its_events_and_prompts(client: Client) -> None:
    status, body = await ask(client, "t-1")
    assert status == 200
    assert body["task"]["outcome"] == "reviewed"
    assert [event["kind"] for event in body["events"]] == ["task", "solution", "verdict", "review"]
    assert {"topic", "partition", "offset", "at", "key", "data"} <= body["events"][0].keys()
    assert [prompt["agent"] for prompt in body["prompts"]] == ["consumer", "reviewer"]
    assert body["lines_complete"] is False


async def test_nothing_is_read_for_a_task_that_nobody_knows(client: Client, events: Events) -> None:
    status, body = await ask(client, "nobody")
    assert status == 404
    assert "'nobody'" in body["detail"]
    assert events.asked == []


async def test_tables_that_are_being_recovered_are_told(
    client: Client, known: MemoryTables
) -> None:
    known.ready = False
    status, body = await ask(client, "t-1")
    assert (status, body["title"]) == (503, "Not ready")


async def test_a_kafka_that_is_away_is_told(client: Client, events: Events) -> None:
    events.error = UnavailableError("kafka", "no broker answers", remedy="start it")
    status, body = await ask(client, "t-1")
    assert (status, body["service"]) == (503, "kafka")
