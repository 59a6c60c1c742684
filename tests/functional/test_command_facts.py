"""What commands ask a running mesh for, and how they tell it; the mesh here is its API alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aimesh.core.feed import FeedEvent
from aimesh.core.tasks import fold
from aimesh.services import mesh_api
from tests.commands import Told, invoke

AS_OF = "2026-01-01T00:01:00.000Z"
HOPS = [
    {"role": role, "topic": f"ai_{role}", "verdict": verdict, "lag": lag, "lag_seconds": 2.5,
     "trend": "up", "open": 1, "members": 1, "reason": "because"}
    for role, verdict, lag in (
        ("crew-coder", "BUSY", 2), ("persistence", "OK", 0), ("consumer", "STALL", 7)
    )
]  # fmt: skip
STATE = {
    "governor": {"state": "THROTTLED", "reason": "lag 7"}, "hops": HOPS, "counts": {"tasks": 3},
    "stages": [
        {"role": "consumer", "worker": "w1", "running": 1, "slots": 4, "open": 2, "oldest_s": 3.0,
         "counts": {"done": 5}, "waiting": "ollama: away", "at": AS_OF},
        {"role": "consumer", "worker": "gone", "at": "2026-01-01T00:00:00.000Z"},
    ],
    "model": {"name": "gemma3:1b", "rehearsal": True}, "memory": {"ok": True},
    "sandbox": {"unsafe": False}, "in_flight": 2, "tokens_per_minute": 60, "as_of": AS_OF,
}  # fmt: skip


def task(number: int) -> dict[str, Any]:
    at = f"2026-01-01T00:00:{number % 60:02}.000Z"
    data = {"task_id": f"t{number}", "task": "Add\x1b[31m.\nMore.", "source": "submit"}
    return fold(None, FeedEvent("task", at, "ai_topic", 0, number, "", data))


class Mesh:
    """The API of a mesh with what a test puts into it, and what it was asked."""

    def __init__(self) -> None:
        self.tasks = [task(number) for number in range(3)]
        self.asked: list[web.Request] = []
        self.failures = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.failures:
            self.failures -= 1
            return web.json_response({"detail": "the tables are being read"}, status=503)
        path = request.path.removeprefix("/api/v1/mesh/")
        if path == "tasks":
            first = int(request.query.get("cursor", "0"))
            last = first + int(request.query["limit"])
            more = str(last) if last < len(self.tasks) else None
            page = self.tasks[first:last]
            return web.json_response({"tasks": page, "next_cursor": more, "as_of": AS_OF})
        if path == "tasks/t1":
            return web.json_response({"task": self.tasks[1], "as_of": AS_OF})
        if path == "errors":
            told = {"consumer": {"warnings": 2}, "sandbox": {"errors": 1}}
            total = {"errors": 1, "warnings": 2}
            return web.json_response({"total": total, "by_agent": told, "as_of": AS_OF})
        if path == "lag":
            return web.json_response({"hops": HOPS, "as_of": AS_OF})
        if path == "state":
            return web.json_response(STATE)
        return web.json_response({"detail": f"there is no {path!r}"}, status=404)

    async def run(self, *args: str, **env: str) -> Told:
        return await asyncio.to_thread(invoke, *args, "--url", self.url, env=env)


@pytest.fixture
async def mesh() -> AsyncIterator[Mesh]:
    made, app = Mesh(), web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        made.url = f"http://127.0.0.1:{server.port}"
        yield made


async def test_tasks_are_listed_newest_first_with_what_is_harmful_spelled_out(mesh: Mesh) -> None:
    told = await mesh.run("tasks")
    head, *rows = told.out.splitlines()
    assert head.split() == ["TASK", "ID", "OUTCOME", "SUCCESS", "ATTEMPTS", "AGE", "TASK"]
    assert rows[1].split() == ["t1", "in_flight", "-", "1", "59", "s", r"Add\x1b[31m."]
    assert "\x1b" not in told.out


async def test_tasks_are_fetched_page_by_page_up_to_the_limit(mesh: Mesh) -> None:
    mesh.tasks = [task(number) for number in range(450)]
    found = (await mesh.run("tasks", "--limit", "420", "--json")).json()["tasks"]
    assert [state["task_id"] for state in found] == [f"t{number}" for number in range(420)]
    assert [request.query["limit"] for request in mesh.asked] == ["200", "200", "20"]


async def test_the_outcome_is_asked_for(mesh: Mesh) -> None:
    mesh.tasks = []
    told = await mesh.run("tasks", "--outcome", "reviewed")
    assert told.out == "there are no such tasks\n"
    assert mesh.asked[0].query["outcome"] == "reviewed"


async def test_a_task_is_told_step_by_step(mesh: Mesh) -> None:
    told = await mesh.run("task", "t1")
    assert told.code == 0
    assert "asked by submit" in told.out
    assert "ai_topic/0/1" in told.out
    assert (await mesh.run("task", "t1", "--json")).json()["task"]["task_id"] == "t1"


async def test_a_task_that_is_not_there_is_told(mesh: Mesh) -> None:
    assert "there is no 'tasks/a/b'" in (await mesh.run("task", "a/b")).failed(1)


async def test_lag_stands_in_the_order_of_a_tasks_way(mesh: Mesh) -> None:
    _, first, second, third = (await mesh.run("lag")).out.splitlines()
    assert first.split()[:3] == ["consumer", "STALL", "7"]
    assert second.startswith("persistence")
    assert third.split()[:3] == ["crew-coder", "BUSY", "2"]
    assert (await mesh.run("lag", "--json")).json()["hops"] == HOPS


async def test_errors_are_told_by_agent_worst_first(mesh: Mesh) -> None:
    rows = [line.split() for line in (await mesh.run("errors")).out.splitlines()[1:]]
    assert rows == [["sandbox", "1", "0"], ["consumer", "0", "2"], ["all", "1", "2"]]


async def test_top_is_shown_once_where_nobody_looks(mesh: Mesh) -> None:
    told = await mesh.run("top")
    assert told.code == 0
    for words in ("THROTTLED  lag 7", "REHEARSAL", "2 in flight", "ollama: away", "t1"):
        assert words in told.out
    assert "gone" not in told.out
    assert (await mesh.run("top", "--json")).json()["state"] == STATE


async def test_a_mesh_that_is_starting_is_waited_for(mesh: Mesh) -> None:
    mesh.failures = 1
    assert (await mesh.run("lag", "--json")).json()["hops"] == HOPS


async def test_a_mesh_that_does_not_become_ready_is_told(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mesh_api, "STARTING", 0.0)
    mesh.failures = 9
    assert "tables are being read" in (await mesh.run("lag")).failed(3)


async def test_the_token_is_sent(mesh: Mesh) -> None:
    await mesh.run("lag", AIMESH_API_TOKEN="hush")
    assert mesh.asked[0].headers["Authorization"] == "Bearer hush"


async def test_what_is_no_mesh_is_told() -> None:
    async with TestServer(web.Application(), host="127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.port}"
        told = await asyncio.to_thread(invoke, "lag", "--url", url)
    assert "is no mesh" in told.failed(3)
