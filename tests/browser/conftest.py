"""Fixtures for tests that look at the pages with a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.site import Site, serving
from tests.feeding import Feed, feeding
from tests.kafka import running_kafka

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Return where the browser is; without one, skip, or fail where it must be there."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        reason = "there is no chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run one browser for all tests here: use contexts of your own."""
    path = chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def kafka(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where one broker, shared by all tests here, can be reached: use names of your own."""
    async with running_kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap


@pytest_asyncio.fixture(loop_scope="session")
async def feed(kafka: str) -> AsyncIterator[Feed]:
    """Write to a feed of the test's own."""
    async with feeding(kafka) as writer:
        yield writer


@pytest_asyncio.fixture(loop_scope="session")
async def site(feed: Feed) -> AsyncIterator[Site]:
    """Serve the pages on the test's own feed."""
    async with serving(feed) as served:
        yield served


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Return the folder where pictures of the pages are kept."""
    folder = Path(__file__).parents[2] / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder
