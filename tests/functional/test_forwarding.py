"""An observer without the mesh's tables lets the one that has them answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from aimesh.embedded.ports import free_port
from aimesh.views.forwarding import Forwarding
from aimesh.views.problems import problems

Client = TestClient[web.Request, web.Application]


class Watching:
    """What a forwarding asks of its observer."""

    def __init__(self, address: str = "") -> None:
        self.ready = True
        self.holds = False
        self.address = address

    def holder(self) -> str:
        return self.address


def server(name: str, observer: Watching) -> tuple[TestServer, Forwarding]:
    """A server that tells that it was asked, and what it was shown."""

    async def told(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization")
        body = {"at": name, "path": request.raw_path, "token": token}
        return web.json_response(body, headers={"ETag": '"1"'})

    forwarding = Forwarding(observer)
    app = web.Application(middlewares=[problems, forwarding.middleware])
    app.router.add_route("*", "/{path:.*}", told)
    return TestServer(app), forwarding


@pytest.fixture
def other() -> Watching:
    return Watching()


@pytest.fixture
async def client(other: Watching) -> AsyncIterator[Client]:
    """A client of the observer that has no tables."""
    holder = Watching()
    holder.holds = True
    far, _ = server("holder", holder)
    near, forwarding = server("other", other)
    async with far, TestClient(near) as made:
        other.address = f"{far.host}:{far.port}"
        yield made
        await forwarding.close()


async def test_the_holder_answers_with_what_the_caller_has_shown(client: Client) -> None:
    path = "/api/v1/mesh/tasks/a%2Fb?limit=5"
    answer = await client.get(URL(path, encoded=True), headers={"Authorization": "Bearer x"})
    assert await answer.json() == {"at": "holder", "path": path, "token": "Bearer x"}
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    "path", ["/api/v1/queues", "/api/v1/mesh/stream", "/api/v1/mesh/audit", "/livez", "/"]
)
async def test_what_any_observer_knows_is_answered_at_once(client: Client, path: str) -> None:
    assert (await (await client.get(path)).json())["at"] == "other"


async def test_a_write_is_not_passed_on(client: Client) -> None:
    assert (await (await client.post("/api/v1/mesh/tasks")).json())["at"] == "other"


async def test_the_holder_itself_answers(client: Client, other: Watching) -> None:
    other.holds = True
    assert (await (await client.get("/api/v1/mesh/state")).json())["at"] == "other"


async def test_a_question_is_passed_on_once_only(client: Client, other: Watching) -> None:
    other.address = f"{client.host}:{client.port}"
    answer = await client.get("/api/v1/mesh/state")
    assert answer.status == 503
    assert "being moved" in (await answer.json())["detail"]


async def test_a_holder_that_does_not_answer_is_named_with_what_to_do(
    client: Client, other: Watching
) -> None:
    other.address = f"127.0.0.1:{free_port()}"
    answer = await client.get("/api/v1/mesh/state")
    assert answer.status == 503
    detail = (await answer.json())["detail"]
    assert other.address in detail
    assert "AIMESH_WEB_BIND" in detail
