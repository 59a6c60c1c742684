"""Whole meshes in tests are held to the state's schema at their end, where they still run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from aimesh.embedded.ports import free_port
from tests.serving import ANY_PATH, serving
from tests.worker import Worker

GOOD: dict[str, Any] = {"id": "x", "agents": [], "workload": [], "queues": [], "litellm": []}
BAD: dict[str, Any] = {**GOOD, "queues": [{"name": "q", "tasks": [], "updated_at": 3}]}


@pytest_asyncio.fixture
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs as long as a test."""
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    yield made
    await made.communicate(b"\n")


def always(status: int, body: Any) -> web.RouteDef:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return web.get(ANY_PATH, answer)


async def test_a_state_that_fits_passes(process: asyncio.subprocess.Process) -> None:
    async with serving(always(200, GOOD)) as url:
        await Worker(process, url, Path()).hold_state()


async def test_what_does_not_fit_is_told_with_its_place(
    process: asyncio.subprocess.Process,
) -> None:
    async with serving(always(200, BAD)) as url:
        with pytest.raises(AssertionError, match=r"/queues/0/updated_at: 3 is not"):
            await Worker(process, url, Path()).hold_state()
    async with serving(always(500, {"title": "broken"})) as url:
        with pytest.raises(AssertionError, match="broken"):
            await Worker(process, url, Path()).hold_state()


async def test_who_does_not_observe_or_answer_is_passed_over(
    process: asyncio.subprocess.Process,
) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    for route in (always(404, {}), always(503, {}), web.get(ANY_PATH, never)):
        async with serving(route) as url:
            await Worker(process, url, Path()).hold_state(limit=0.5)
    await Worker(process, f"http://127.0.0.1:{free_port()}", Path()).hold_state()


async def test_one_that_has_ended_is_passed_over(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()
    async with serving(always(200, BAD)) as url:
        await Worker(process, url, Path()).hold_state()
