"""The pages of a worker that is there before Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from aimesh.embedded.ports import free_port
from tests.browser.viewing import says, viewing
from tests.mesh import running_mesh

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKING = ["/", "/tasks", "/agents", "/errors", "/traces", "/governor", "/sandbox", "/audit"]


async def test_pages_open_and_say_for_what_the_worker_waits(
    browser: Browser, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with running_mesh(address, tmp_path) as mesh:
        worker = await mesh.start(wait=False)
        # whether Kafka is away is asked in the moment in which the web begins
        await worker.says("waiting for Kafka")
        for path in ASKING:
            async with viewing(browser, worker.url + path) as page:
                await says(page, ".banner", f"aiting for Kafka at {address} since 20")
        assert await worker.stop() == 0
