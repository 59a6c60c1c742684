"""The page that describes the API works under the strict headers, and from vendored files alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from aimesh.health import Health
from aimesh.settings import Settings
from aimesh.views import dashboard, openapi
from aimesh.views.health import routes as probes
from aimesh.views.security import protect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_shows_every_operation_and_asks_nobody_else(
    browser: Browser, tmp_path: Path
) -> None:
    settings, app = Settings(data=tmp_path), web.Application()
    protect(app, settings)
    found: list[web.AbstractRouteDef] = [*dashboard.routes(settings)]
    app.add_routes([*found, *openapi.routes([*found, *probes_described()])])
    async with TestServer(app) as server:
        page = await browser.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(str(server.make_url("/docs")))
        await expect(page.locator(".opblock").first).to_be_visible()
        assert await page.locator(".opblock").count() >= 3
        await page.close()
        own = str(server.make_url("/"))
        assert [url for url in asked if not url.startswith((own, "data:"))] == []
        assert [line for line in said if line.startswith("error")] == []


def probes_described() -> list[web.AbstractRouteDef]:
    """Return routes that are described and never asked."""
    return probes(Health({}, []))
