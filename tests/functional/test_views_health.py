"""Probes and problems: the truth about this worker, and errors in one shape."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.errors import UnavailableError
from aimesh.faustfix import MeshApp
from aimesh.health import Health
from aimesh.stage import Stage
from aimesh.version import __version__
from aimesh.views import health as views
from aimesh.views.problems import Problem, integer, problems

Client = TestClient[web.Request, web.Application]


class Role:
    """What an application tells of itself, all well at first."""

    def __init__(self) -> None:
        self.started = True
        self.should_stop = False
        self.rebalancing = False
        self.in_recovery = False
        self.tables = SimpleNamespace(actives_ready=True)

    @property
    def app(self) -> MeshApp:
        return cast(MeshApp, self)


class Worker:
    """Two roles, one of them the observer, and a stage."""

    def __init__(self) -> None:
        self.consumer, watcher = Role(), Role()
        self.observer = SimpleNamespace(app=watcher, ready=True)
        self.waiting: dict[str, tuple[str, float]] = {}
        self.services: list[dict[str, Any]] = []
        runner = SimpleNamespace(waiting=self.waiting)
        stage = SimpleNamespace(name="aimesh-consumer", runner=runner)
        self.health = Health(
            {"consumer": self.consumer.app, "observer": watcher.app},
            [cast(Stage, stage)],
            self.observer,
            services=lambda: self.services,
        )


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def client(worker: Worker) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems])
    app.router.add_routes([*views.routes(worker.health), *failing()])
    async with TestClient(TestServer(app)) as made:
        yield made


async def get(client: Client, path: str, status: int = 200) -> Any:
    answer = await client.get(path)
    assert answer.status == status
    return await answer.json()


# -- probes


async def test_a_worker_whose_roles_all_work_is_ready(client: Client) -> None:
    assert await get(client, "/readyz") == {"ready": True, "not_ready": [], "away": []}
    health = await get(client, "/health")
    assert (health["status"], health["version"]) == ("healthy", __version__)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"started": False}, "not started"),
        ({"should_stop": True}, "not started"),
        ({"rebalancing": True}, "partitions are being assigned"),
        ({"in_recovery": True}, "tables are being recovered"),
        ({"tables": SimpleNamespace(actives_ready=False)}, "tables are being recovered"),
    ],
)
async def test_a_role_that_does_not_work_yet_is_named_with_the_reason(
    client: Client, worker: Worker, change: dict[str, Any], reason: str
) -> None:
    vars(worker.consumer).update(change)
    assert (await get(client, "/readyz", 503))["not_ready"] == ["consumer"]
    verbose = await get(client, "/readyz?verbose", 503)
    [check] = [check for check in verbose["checks"] if not check["ok"]]
    assert (check["name"], check["reason"]) == ("consumer", reason)
    assert (await get(client, "/health"))["status"] == "starting"


async def test_an_observer_that_still_reads_its_tables_is_not_ready(
    client: Client, worker: Worker
) -> None:
    worker.observer.ready = False
    assert (await get(client, "/readyz", 503))["not_ready"] == ["observer"]


async def test_since_when_a_role_is_not_ready_stays_until_it_is(
    client: Client, worker: Worker
) -> None:
    async def since() -> str:
        checks = (await get(client, "/health"))["checks"]
        return str(next(check["since"] for check in checks if check["name"] == "consumer"))

    assert await since() == ""
    worker.consumer.rebalancing = True
    first = await since()
    await asyncio.sleep(0.002)  # a millisecond is what times are told in
    assert await since() == first != ""
    worker.consumer.rebalancing = False
    assert await since() == ""


async def test_what_jobs_wait_for_is_told(client: Client, worker: Worker) -> None:
    worker.waiting |= {"t-1#1": ("ollama: no answer", 5.0), "t-2#1": ("ollama: no answer", 6.0)}
    body = await get(client, "/readyz?verbose")
    [waiting] = body["waiting"]
    assert (waiting["stage"], waiting["reason"]) == ("aimesh-consumer", "ollama: no answer")
    assert waiting["since"] == "1970-01-01T00:00:06.000Z"


async def test_a_worker_without_kafka_is_not_ready_and_says_since_when(
    client: Client, worker: Worker
) -> None:
    worker.services.append({"name": "kafka", "ok": None, "since": "2026-01-01T00:00:00Z"})
    await get(client, "/readyz")
    away = {"ok": False, "reason": "no broker answers", "since": "2026-01-02T00:00:00Z"}
    worker.services[0] |= away
    body = await get(client, "/readyz", 503)
    assert body["not_ready"] == ["kafka"]
    [told] = body["away"]
    assert (told["name"], told["reason"], told["since"]) == (
        "kafka", away["reason"], away["since"]
    )  # fmt: skip
    [service] = (await get(client, "/readyz?verbose", 503))["services"]
    assert service.items() >= away.items()
    assert (await get(client, "/health"))["status"] == "starting"


async def test_a_service_that_work_can_wait_for_is_told_as_missing_and_keeps_nobody_away(
    client: Client, worker: Worker
) -> None:
    worker.services.append({"name": "ollama", "ok": False, "since": "t", "reason": "no answer"})
    [service] = (await get(client, "/readyz?verbose"))["services"]
    assert (service["name"], service["ok"], service["since"]) == ("ollama", False, "t")


async def test_a_worker_lives_though_it_is_not_ready(client: Client, worker: Worker) -> None:
    worker.consumer.rebalancing = True
    answer = await client.get("/livez")
    assert (answer.status, await answer.text()) == (200, "ok\n")


# -- problems


def failing() -> list[web.AbstractRouteDef]:
    """Views that fail in every way."""

    async def down(request: web.Request) -> web.Response:
        raise UnavailableError("qdrant", "it sleeps", remedy="wake it")

    async def broken(request: web.Request) -> web.Response:
        raise KeyError("secret")

    async def told(request: web.Request) -> web.Response:
        raise Problem(409, "Conflict", "it is there already", known="x")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/livez")

    async def number(request: web.Request) -> web.Response:
        return web.json_response(integer(request, "n", 7, most=100, least=0))

    views = {"down": down, "broken": broken, "told": told, "moved": moved, "number": number}
    return [web.get(f"/{name}", view) for name, view in views.items()]


async def problem(client: Client, path: str, status: int) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = await answer.json()
    assert (body["status"], body["instance"]) == (status, path.partition("?")[0])
    return body


async def test_a_path_that_there_is_not_is_a_problem_of_the_same_shape(client: Client) -> None:
    assert (await problem(client, "/nowhere", 404))["title"] == "Not Found"


async def test_a_service_that_is_down_is_named_with_the_remedy(client: Client) -> None:
    body = await problem(client, "/down", 503)
    assert body["service"] == "qdrant"
    assert "wake it" in body["detail"]


async def test_a_defect_is_logged_and_nothing_of_it_is_told(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    body = await problem(client, "/broken", 500)
    assert "secret" not in str(body)
    assert "secret" in caplog.text


async def test_what_a_view_adds_to_a_problem_is_told(client: Client) -> None:
    assert (await problem(client, "/told", 409))["known"] == "x"


async def test_a_method_that_is_not_allowed_says_which_are(client: Client) -> None:
    answer = await client.post("/livez")
    assert answer.status == 405
    assert answer.content_type == "application/problem+json"
    assert "GET" in answer.headers["Allow"]


async def test_a_redirect_is_no_problem(client: Client) -> None:
    answer = await client.get("/moved", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/livez")


@pytest.mark.parametrize(("text", "number"), [("", 7), ("?n=0", 0), ("?n=100", 100)])
async def test_a_number_in_its_range_is_taken(client: Client, text: str, number: int) -> None:
    assert await get(client, f"/number{text}") == number


@pytest.mark.parametrize("text", ["101", "-1", "+1", "1e1", "٣", "1 ", "99999999999999999999"])
async def test_any_other_is_refused(client: Client, text: str) -> None:
    answer = await client.get("/number", params={"n": text})
    assert answer.status == 422
