"""What `diagnose`, `state`, `validate` and `watch` print, and how they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.commands import Told, invoke

CAUSE = {
    "id": "service_unreachable-1", "severity": "critical", "title": "ollama does not answer",
    "description": "nobody \x1b[31mlistens", "is_cause": True, "explained_by": None,
    "explains": ["lag-1"], "count": 3, "first_seen": "2026-01-01T00:00:00.000Z",
    "last_seen": "2026-01-01T00:01:00.000Z", "affected_agents": ["consumer"],
    "evidence": ["ai_topic/0/7"], "suggested_actions": ["start it"], "commands": ["aimesh doctor"],
    "next_command": "aimesh doctor",
}  # fmt: skip
EFFECT = {**CAUSE, "id": "lag-1", "title": "consumer stands still", "is_cause": False,
          "explained_by": CAUSE["id"], "explains": []}  # fmt: skip
STATE: dict[str, Any] = {
    "id": "aimesh", "agents": [], "workload": [], "litellm": [],
    "queues": [{"name": "agent-queue-writer", "tasks": [], "updated_at": "x"}],
}  # fmt: skip


class Mesh:
    """The API with what a test puts into it, and what it was asked."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.url = ""

    @property
    def status(self) -> str:
        return "critical" if self.items else "healthy"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        form = request.query.get("format", "json")
        if request.path == "/api/v1/claude/diagnose":
            if form == "prompt":
                return web.json_response({"content": "1. CAUSE\n", "system_status": self.status})
            meta = {"system_status": self.status, "unread_errors": 0}
            return web.json_response({"metadata": meta, "issues": {"items": self.items}})
        if request.path == "/api/v1/oracle/validate":
            found = {"valid": not self.errors, "errors": self.errors}
            return web.json_response(found)
        if form == "log":
            tag = str(len(self.asked))
            return web.json_response({"log": "+ queue a: 1 tasks\n", "etag": tag, "as_of": "now"})
        if form == "summary":
            body = {"agent_count": 2, "status": self.status, "issues": self.items}
            return web.json_response(body)
        return web.json_response(STATE)

    async def run(self, *args: str) -> Told:
        return await asyncio.to_thread(invoke, *args, "--url", self.url)


@pytest.fixture
async def mesh() -> AsyncIterator[Mesh]:
    found, app = Mesh(), web.Application()
    app.router.add_get("/{path:.*}", found.answer)
    async with TestServer(app) as server:
        found.url = f"http://127.0.0.1:{server.port}"
        yield found


async def test_a_healthy_mesh_ends_with_zero(mesh: Mesh) -> None:
    told = await mesh.run("diagnose")
    assert (told.code, told.out) == (0, "the mesh is healthy\n")
    assert (await mesh.run("diagnose", "--json")).json()["metadata"]["system_status"] == "healthy"


async def test_the_cause_is_told_with_what_it_explains_and_the_next_command(mesh: Mesh) -> None:
    mesh.items = [CAUSE, EFFECT]
    told = await mesh.run("diagnose", "--minutes", "5")
    assert told.code == 1
    out = told.out.splitlines()
    assert out[2] == "1. CRITICAL  ollama does not answer"
    assert "   explains: consumer stands still" in out
    assert "   next: aimesh doctor" in out
    assert not any(line.startswith("2.") for line in out)
    assert "\x1b" not in told.out
    assert mesh.asked[-1]["time_window_minutes"] == "5"
    told = await mesh.run("diagnose", "--json")
    assert (told.code, len(json.loads(told.out)["issues"]["items"])) == (1, 2)


async def test_the_text_for_a_model_has_a_budget(mesh: Mesh) -> None:
    told = await mesh.run("diagnose", "--prompt", "--budget", "300")
    assert told.out == "1. CAUSE\n"
    assert mesh.asked[-1] == {
        "time_window_minutes": "15", "format": "prompt", "budget_tokens": "300"}  # fmt: skip
    assert (await mesh.run("diagnose", "--budget", "5")).failed(2)


async def test_the_state_is_told_as_lines_as_json_and_in_short(mesh: Mesh) -> None:
    told = await mesh.run("state", "--mode", "all")
    assert "agent-queue-writer" in told.out
    assert mesh.asked[-1]["mode"] == "all"
    assert (await mesh.run("state", "--json")).json() == STATE
    mesh.items = [CAUSE]
    told = await mesh.run("state", "--summary")
    assert "critical: ollama does not answer" in told.out


async def test_a_state_that_does_not_fit_ends_with_one(mesh: Mesh) -> None:
    assert (await mesh.run("validate")).code == 0
    mesh.errors = [{"path": "/queues/0", "validator": "required", "message": "a name is missing"}]
    told = await mesh.run("validate")
    assert told.code == 1
    assert "/queues/0" in told.out


async def test_watching_asks_for_what_changed_since_the_last_look(mesh: Mesh) -> None:
    told = await mesh.run("watch", "--times", "2", "--interval", "0.2")
    assert told.code == 0
    assert told.out.count("now  + queue a: 1 tasks") == 2
    assert [asked.get("since") for asked in mesh.asked] == [None, "1"]


@pytest.mark.parametrize("name", ["diagnose", "state", "validate", "watch"])
def test_without_a_mesh_they_say_so(name: str) -> None:
    told = invoke(name, "--url", "http://127.0.0.1:1")
    assert "no mesh answers" in told.failed(3)
