"""The pages and their files, as the server gives them out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.settings import Settings
from aimesh.views import dashboard
from aimesh.views.problems import problems

Client = TestClient[web.Request, web.Application]

PAGES = [re.sub(r"\{.*?\}", "an-id", path) for path in dashboard.PAGES]
SCRIPTS = dashboard.FOLDER / "static" / "js"


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems])
    app.add_routes(dashboard.routes(Settings()))
    async with TestClient(TestServer(app)) as served:
        yield served


@pytest.mark.parametrize("path", PAGES)
async def test_pages_have_no_script_or_style_inside(client: Client, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        text = await response.text()
    assert re.findall(r"<script(?![^>]*\ssrc=)", text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", text) == []
    assert "//" not in re.sub(r"https?://www\.w3\.org/\S+", "", text)


@pytest.mark.parametrize("path", PAGES)
async def test_every_file_that_a_page_names_is_there(client: Client, path: str) -> None:
    text = await (await client.get(path)).text()
    named = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))
    assert named
    for name in named:
        assert (await client.get(name)).status == 200, name


async def test_every_module_that_a_module_imports_is_there(client: Client) -> None:
    for path in SCRIPTS.rglob("*.js"):
        for name in re.findall(r'from "(\.{1,2}/[^"]+)"', path.read_text()):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


async def test_scripts_never_turn_text_into_markup() -> None:
    for path in SCRIPTS.rglob("*.js"):
        text = path.read_text()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                     "new Function", "createContextualFragment", "DOMParser"):  # fmt: skip
            assert word not in text, f"{path.name} uses {word}"


async def test_files_are_sent_once_and_then_only_asked_for(client: Client) -> None:
    async with client.get("/static/js/main.js") as response:
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        tag = response.headers["ETag"]
    async with client.get("/static/js/main.js", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
        assert await response.read() == b""
    async with client.get("/static/js/main.js", headers={"If-None-Match": '"x"'}) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/nothing.js",
        "/static/../templates/mesh.html",
        "/static/%2e%2e/templates/mesh.html",
        "/static/..%2f..%2fsetup.cfg",
        "/static//etc/passwd",
        "/static/js",
    ],
)
async def test_only_files_of_the_folder_are_given_out(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


async def test_what_an_address_names_stays_text(client: Client) -> None:
    text = await (await client.get("/tasks/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")).text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/unlock"])
async def test_every_page_leads_to_all_others(client: Client, path: str) -> None:
    text = await (await client.get(path)).text()
    nav = text[text.index('<nav class="nav"') : text.index("</nav>")]
    links = re.findall(r'<a href="([^"]+)"( aria-current="page")?', nav)
    for address, _ in links:
        assert (await client.get(address)).status == 200, address
    assert len(links) == 9
    own = [address for address, current in links if current]
    assert own == ([] if "an-id" in path else [path])


async def test_pages_know_whether_commands_need_the_token() -> None:
    for settings, needed in ((Settings(), False), (Settings(api_token="a" * 20), True)):
        app = web.Application(middlewares=[problems])
        app.add_routes(dashboard.routes(settings))
        async with TestClient(TestServer(app)) as served:
            text = await (await served.get("/tasks/t-1")).text()
        assert ("data-needs-token" in text) is needed
