"""The audit is made in the background, now and then, and its newest balance is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.core.balance import Problem, Report
from aimesh.errors import UnavailableError
from aimesh.services.audit import Audited
from aimesh.views import audit
from aimesh.views.audit import AuditViews
from tests.waiting import until

Client = TestClient[web.Request, web.Application]


class Auditor:
    """Makes audits that end when they may."""

    def __init__(self) -> None:
        self.made = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.failure: Exception | None = None
        self.problems: tuple[Problem, ...] = ()

    async def __call__(self) -> Audited:
        self.made += 1
        await self.may_end.wait()
        if self.failure:
            raise self.failure
        report = Report(
            tasks_in=self.made, reviewed=0, dead_lettered=0, in_flight=self.made, rows=0,
            duplicates_absorbed=0, other_dead_letters=0, in_flight_at={}, problems=self.problems,
        )  # fmt: skip
        return Audited(report, {"ai_topic": {"0": 1}})


@pytest.fixture
async def auditor() -> Auditor:
    return Auditor()


@pytest.fixture
async def client(auditor: Auditor, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    views, app = AuditViews(auditor, pause=getattr(request, "param", 60.0)), web.Application()
    app.router.add_routes(views.routes())
    async with TestClient(TestServer(app)) as made:
        yield made
    await views.close()


async def get(client: Client, status: int = 200) -> dict[str, Any]:
    answer = await client.get("/api/v1/mesh/audit")
    assert answer.status == status
    body: dict[str, Any] = await answer.json()
    return body


async def test_the_first_balance_is_waited_for_and_then_kept(
    client: Client, auditor: Auditor
) -> None:
    first, again = await get(client), await get(client)
    assert first["report"]["tasks_in"] == 1
    assert first["report"]["read_up_to"] == {"ai_topic": {"0": 1}}
    assert again == first
    assert auditor.made == 1


@pytest.mark.parametrize("client", [0.0], indirect=True)
async def test_an_old_balance_is_answered_while_a_new_one_is_made(
    client: Client, auditor: Auditor
) -> None:
    await get(client)
    auditor.may_end.clear()
    await get(client)
    body = await get(client)
    assert body["running"]
    assert body["report"]["tasks_in"] == 1
    assert auditor.made == 2


async def test_without_a_balance_the_answer_is_that_it_is_on_its_way(
    client: Client, auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PATIENCE", 0.01)
    auditor.may_end.clear()
    body = await get(client, 202)
    assert body == {"report": None, "as_of": None, "took_s": None, "running": True,
                    "problem": None}  # fmt: skip


@pytest.mark.parametrize("failure", [UnavailableError("kafka", "away"), RuntimeError("away")])
async def test_a_failed_audit_is_told(client: Client, auditor: Auditor, failure: Exception) -> None:
    auditor.failure = failure
    body = await get(client, 202)
    assert "away" in body["problem"]
    assert not body["running"]


async def test_of_many_problems_the_first_are_told_with_their_number(
    client: Client, auditor: Auditor
) -> None:
    auditor.problems = tuple(Problem(f"t{n}", "lost", "why") for n in range(500))
    report = (await get(client))["report"]
    assert not report["balanced"]
    assert len(report["problems"]) == 200
    assert report["problems_total"] == 500


async def test_metrics_have_the_newest_balance_and_one_made_when_it_is_old(
    auditor: Auditor,
) -> None:
    auditor.problems = (Problem("t-1", "lost", "it is nowhere"),)
    views = AuditViews(auditor)
    assert views.unaccounted() is None
    await until(lambda: views.unaccounted() is not None)
    assert (views.unaccounted(), auditor.made) == (1, 1)
    await views.close()
