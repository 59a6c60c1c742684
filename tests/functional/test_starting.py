"""What a worker answers that has not seen Kafka yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from faust.web.base import Web

from aimesh.services.status import ServiceStatus, StatusKeeper
from aimesh.settings import ROLES, Settings
from aimesh.views import streams
from aimesh.views.problems import problems
from aimesh.views.starting import Starting
from aimesh.wiring import create_app

Client = TestClient[web.Request, web.Application]


class Beginning:
    """A worker at its start."""

    def __init__(self) -> None:
        self.begun = False
        self.keeper = StatusKeeper("kafka")

    def status(self) -> ServiceStatus:
        return self.keeper.status


@pytest.fixture
def worker() -> Beginning:
    return Beginning()


@pytest.fixture
async def client(worker: Beginning) -> AsyncIterator[Client]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({})

    starting = Starting(lambda: worker.begun, worker.status, "kafka:9092")
    app = web.Application(middlewares=[problems, starting.middleware])
    app.router.add_route("*", "/{rest:.*}", answer)
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/mesh/state"), ("POST", "/api/v1/mesh/tasks"), ("GET", "/ws/debug/me")],
)
async def test_the_api_says_that_it_waits_for_kafka_where_and_since_when(
    client: Client, worker: Beginning, method: str, path: str
) -> None:
    worker.keeper.bad("no broker answers")
    answer = await client.request(method, path)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    problem = await answer.json()
    since = worker.status().since
    assert problem["detail"] == f"waiting for Kafka at kafka:9092 since {since}"
    assert (problem["service"], problem["since"]) == ("kafka", since)


async def test_kafka_that_has_just_come_is_not_said_to_be_missing(
    client: Client, worker: Beginning
) -> None:
    worker.keeper.good()
    answer = await client.get("/api/v1/mesh/state")
    assert answer.status == 503
    assert (await answer.json())["detail"] == "this worker is starting, try again shortly"


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/docs", "/static/x.js", streams.PATH])
async def test_what_can_be_served_without_kafka_is(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 200


async def test_a_worker_that_has_begun_answers_everything(
    client: Client, worker: Beginning
) -> None:
    worker.begun = True
    # one that goes later on does not take away what is known
    worker.keeper.bad("no broker answers")
    assert (await client.get("/api/v1/mesh/state")).status == 200


def test_the_roles_of_a_worker_share_one_web(tmp_path: Path) -> None:
    root = create_app(Settings(data=tmp_path))
    assert root.roles.keys() >= set(ROLES)
    webs = [
        name
        for name, app in {"root": root, **root.roles}.items()
        if any(isinstance(service, Web) for service in app.boot_strategy.server())
    ]
    assert webs == ["root"]
