"""Who is let in, and what every answer says to a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.settings import Settings
from aimesh.views import dashboard
from aimesh.views.problems import problems
from aimesh.views.security import COOKIE, HEADERS, is_loopback, protect, session

TOKEN = "a token of some length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Client = TestClient[web.Request, web.Application]


async def echo(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"data: x\n\n")
    return response


@asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[Client]:
    """Serve some views behind the guard."""
    app = web.Application(middlewares=[problems])
    protect(app, settings)
    app.add_routes([web.route("*", "/livez", echo), web.route("*", "/api", echo)])
    app.add_routes([web.get("/stream", stream), *dashboard.routes(settings)])
    async with TestClient(TestServer(app)) as client:
        yield client


async def status(
    client: Client, path: str = "/api", method: str = "GET", **headers: str | None
) -> int:
    """Ask and return the status; underscores in headers' names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items() if value}
    async with client.request(method, path, headers=named, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:6066", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("127.0.0.1:6066", True),
        ("127.9.9.9", True),
        ("[::1]:6066", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:6066", False),
        ("evil@localhost", True),
        ("localhost@evil.example", False),
        ("192.0.2.7:6066", False),
        ("0.0.0.0:6066", False),
        ("[::1", False),
        ("localhost:port", True),
    ],
)
async def test_on_loopback_only_its_own_names_are_answered_to(host: str, allowed: bool) -> None:
    async with client_of(Settings()) as client:
        assert await status(client, Host=host) == (200 if allowed else 403)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("192.0.2.7:6066", True),
        ("[2001:db8::1]:6066", True),
        ("localhost:6066", True),
        ("mesh.example", True),
        ("MESH.example:443", True),
        ("evil.example", False),
        ("mesh.example.evil.example", False),
    ],
)
async def test_off_loopback_addresses_and_named_hosts_are_answered_to(
    host: str, allowed: bool
) -> None:
    settings = Settings(web_bind="0.0.0.0", web_hosts=("mesh.example",))
    async with client_of(settings) as client:
        assert await status(client, Host=host) == (200 if allowed else 403)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:6066", True),
        ("https://localhost:6066", True),
        ("http://localhost:7000", False),
        ("http://evil.example", False),
        ("http://localhost:6066.evil.example", False),
        ("null", False),
        ("file://localhost:6066", False),
        ("http://[", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pages_of_other_sites_are_refused(
    origin: str | None, allowed: bool, method: str
) -> None:
    async with client_of(Settings()) as client:
        found = await status(client, method=method, Host="localhost:6066", Origin=origin)
        assert found == (200 if allowed else 403)


ANSWERS: Mapping[str, tuple[str, str, Mapping[str, str], int, int]] = {
    # name: path, method, headers, status on loopback, status off loopback
    "read": ("/api", "GET", {}, 200, 401),
    "read with token": ("/api", "GET", BEARER, 200, 200),
    "write": ("/api", "POST", {}, 401, 401),
    "write with token": ("/api", "POST", BEARER, 200, 200),
    "delete": ("/api", "DELETE", {}, 401, 401),
    "wrong token": ("/api", "POST", {"Authorization": "Bearer nonsense"}, 401, 401),
    "token as basic": ("/api", "POST", {"Authorization": f"Basic {TOKEN}"}, 401, 401),
    "cookie": ("/api", "POST", {"Cookie": f"{COOKIE}={session(TOKEN)}"}, 200, 200),
    "token as cookie": ("/api", "POST", {"Cookie": f"{COOKIE}={TOKEN}"}, 401, 401),
    "stream": ("/stream", "GET", {}, 200, 401),
    "probe": ("/livez", "GET", {}, 200, 200),
    "probe that writes": ("/livez", "POST", {}, 401, 401),
    "page": ("/", "GET", {}, 200, 401),
    "page in a browser": ("/", "GET", {"Accept": "text/html"}, 200, 303),
    "way in": ("/unlock", "GET", {}, 200, 200),
    "way in without token": ("/unlock", "POST", {}, 401, 401),
    "style of the way in": ("/static/css/base.css", "GET", {}, 200, 200),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_with_a_token_writes_need_it_and_reads_off_loopback_too(name: str) -> None:
    path, method, headers, on_loopback, off_loopback = ANSWERS[name]
    for bind, expected in (("127.0.0.1", on_loopback), ("0.0.0.0", off_loopback)):
        async with client_of(Settings(web_bind=bind, api_token=TOKEN)) as client:
            assert await status(client, path, method, **headers) == expected


async def test_a_browser_that_shows_the_token_is_remembered() -> None:
    async with client_of(Settings(web_bind="0.0.0.0", api_token=TOKEN)) as client:
        async with client.post("/unlock", headers=BEARER) as response:
            assert response.status == 204
            cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        assert await status(client) == 200


async def test_refusals_are_problems_that_say_what_to_do() -> None:
    async with client_of(Settings(api_token=TOKEN)) as client:
        async with client.post("/api") as response:
            assert response.content_type == "application/problem+json"
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="AI-Mesh"'
            assert "AIMESH_API_TOKEN" in (await response.json(content_type=None))["detail"]
        async with client.get("/api", headers={"Host": "evil.example"}) as response:
            detail = (await response.json(content_type=None))["detail"]
            assert "'evil.example'" in detail
            assert "AIMESH_WEB_HOSTS" in detail


@pytest.mark.parametrize("path", ["/", "/api", "/stream", "/static/css/base.css", "/nowhere"])
async def test_every_answer_has_the_safe_headers(path: str) -> None:
    async with client_of(Settings()) as client, client.get(path) as response:
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert response.headers["Cache-Control"] in ("no-store", "no-cache")
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.0.2.1", False),
        ("mesh", False),
    ],
)
def test_loopback_is_told_apart(name: str, expected: bool) -> None:
    assert is_loopback(name) is expected
