"""Who asks waits while the observer is behind, and nobody else."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aimesh.views.yielding import MOST_SECONDS, SHARE, Yielding


class Asked:
    """Asks for things whose answers take some seconds of a clock that stands still otherwise."""

    def __init__(self, *, behind: bool) -> None:
        self.now = 100.0
        self.behind = behind
        self.yielding = Yielding(lambda: self.behind, lambda: self.now)

    async def ask(self, path: str, took: float) -> None:
        async def work(request: web.Request) -> web.StreamResponse:
            self.now += took
            return web.Response()

        await self.yielding.middleware(make_mocked_request("GET", path), work)


async def test_while_the_observer_is_behind_reading_gets_its_share_after_each_answer() -> None:
    asked = Asked(behind=True)
    assert asked.yielding.pause() == 0
    await asked.ask("/api/v1/queues", took=0.01)
    assert asked.yielding.pause() == pytest.approx(SHARE * 0.01)
    asked.now += 1.01 * SHARE * 0.01
    assert asked.yielding.pause() == 0


async def test_an_answer_waits_for_a_bounded_time_however_long_the_last_one_took() -> None:
    asked = Asked(behind=True)
    await asked.ask("/api/v1/claude/diagnose", took=10)
    assert asked.yielding.pause() == MOST_SECONDS


async def test_nothing_waits_where_nothing_is_left_to_read() -> None:
    asked = Asked(behind=False)
    await asked.ask("/api/v1/queues", took=0.01)
    assert asked.yielding.pause() == 0
    # nor is it made up for later
    asked.behind = True
    assert asked.yielding.pause() == 0


async def test_what_is_not_of_the_telemetry_neither_waits_nor_makes_wait() -> None:
    asked = Asked(behind=True)
    await asked.ask("/api/v1/mesh/state", took=10)
    assert asked.yielding.pause() == 0
    await asked.ask("/api/v1/traces", took=0.01)
    pause = asked.yielding.pause()
    await asked.ask("/api/v1/mesh/state", took=0)
    assert asked.yielding.pause() == pause
