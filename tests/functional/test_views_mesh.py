"""The mesh's API: what is known, in pages and by outcome, and a way in for tasks."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiokafka.errors import KafkaTimeoutError

from aimesh.agents.consumer import MOST_TASK_BYTES
from aimesh.agents.observer import Observer
from aimesh.views import mesh
from aimesh.views.mesh import MOST_TASKS, MeshViews
from aimesh.views.problems import problems
from tests.agents import Outbox
from tests.tables import MemoryTables, happened, way

BASE = "/api/v1/mesh"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def known() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
async def client(known: MemoryTables, outbox: Outbox) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems])
    app.router.add_routes(MeshViews(outbox.app, cast(Observer, known), "ai_topic").routes())
    async with TestClient(TestServer(app)) as made:
        yield made


async def get(client: Client, path: str, **query: str) -> dict[str, Any]:
    answer = await client.get(BASE + path, params=query)
    assert answer.status == 200, await answer.text()
    assert answer.content_type == "application/json"
    body: dict[str, Any] = await answer.json()
    assert body["as_of"].endswith("Z")
    return body


async def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = await answer.json()
    assert body["status"] == status
    assert body["detail"]
    return body


# -- reading


async def test_a_task_is_told_with_every_attempt_and_where_to_read_it(
    client: Client, known: MemoryTables
) -> None:
    known.tell(*way("t-1", 10))
    task = (await get(client, "/tasks/t-1"))["task"]
    assert (task["outcome"], task["source"], task["task"]) == ("reviewed", "submit", "Task t-1")
    assert task["attempts"]["1"]["verdict"]["verdict"] == "passed"
    assert task["attempts"]["1"]["solution"]["ref"] == "ai_solution/0/11"
    assert task["first_at"] < task["updated_at"]


async def test_a_task_that_nobody_knows_is_not_found(client: Client) -> None:
    body = await problem(await client.get(f"{BASE}/tasks/nobody"), 404)
    assert "'nobody'" in body["detail"]


async def test_tasks_come_newest_first_and_in_pages_each_once(
    client: Client, known: MemoryTables
) -> None:
    for n in range(25):
        known.tell(*way(f"t-{n}", 10 * n))
    seen: list[str] = []
    query = {"limit": "10"}
    while True:
        body = await get(client, "/tasks", **query)
        seen += [task["task_id"] for task in body["tasks"]]
        if not body["next_cursor"]:
            break
        query["cursor"] = body["next_cursor"]
    assert seen == [f"t-{n}" for n in reversed(range(25))]


async def test_pages_fit_together_though_events_come_in_any_order(
    client: Client, known: MemoryTables
) -> None:
    # the solution is read before the task, and other tasks come in between
    for n in range(5):
        known.tell(happened("solution", f"t-{n}", 100 + n))
    for n in range(5):
        known.tell(happened("task", f"t-{n}", 50 - n))
    seen: list[str] = []
    query = {"limit": "1"}
    for _ in range(5):
        body = await get(client, "/tasks", **query)
        seen += [task["task_id"] for task in body["tasks"]]
        query["cursor"] = body["next_cursor"]
    assert seen == [f"t-{n}" for n in range(5)]


async def test_tasks_can_be_asked_for_by_outcome(client: Client, known: MemoryTables) -> None:
    known.tell(*way("done", 10), happened("task", "open", 20))
    known.tell(happened("task", "lost", 30), happened("dead_letter", "lost", 31, error="no"))
    for outcome, wanted in (("reviewed", "done"), ("in_flight", "open"), ("dead_lettered", "lost")):
        body = await get(client, "/tasks", outcome=outcome)
        assert [task["task_id"] for task in body["tasks"]] == [wanted]
    assert len((await get(client, "/tasks"))["tasks"]) == 3


async def test_an_empty_mesh_has_an_empty_list(client: Client) -> None:
    body = await get(client, "/tasks")
    assert (body["tasks"], body["next_cursor"]) == ([], None)


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "²", str(MOST_TASKS + 1), "9" * 40])
async def test_a_limit_out_of_range_is_refused_with_what_it_takes(
    client: Client, limit: str
) -> None:
    body = await problem(await client.get(f"{BASE}/tasks", params={"limit": limit}), 422)
    [error] = body["errors"]
    assert (error["parameter"], error["got"]) == ("limit", limit)
    assert f"from 1 to {MOST_TASKS}" in error["takes"]


async def test_an_outcome_that_there_is_not_is_refused_with_those_that_there_are(
    client: Client,
) -> None:
    body = await problem(await client.get(f"{BASE}/tasks", params={"outcome": "lost"}), 422)
    assert "in_flight or reviewed or dead_lettered" in body["detail"]


async def test_counts_and_errors_are_summed_over_partitions(
    client: Client, known: MemoryTables
) -> None:
    known.tell(*way("t-1", 10), *way("t-2", 20), *way("t-3", 30))
    known.tell(
        happened("line", "t-1", 40, type="log", level="warning", agent="consumer"),
        happened("line", "t-2", 41, type="event", level="error", agent="consumer", name="dead"),
        happened("line", "t-3", 42, type="log", level="error", agent="reviewer"),
    )
    counts = (await get(client, "/counts"))["counts"]
    assert (counts["tasks"], counts["reviewed"], counts["passed_first"]) == (3, 3, 3)
    assert counts["output_tokens"] == 21
    errors = await get(client, "/errors")
    assert errors["total"] == {"errors": 2, "warnings": 1}
    assert errors["by_agent"] == {
        "consumer": {"errors": 1, "warnings": 1},
        "reviewer": {"errors": 1},
    }


async def test_what_is_in_flight_is_told_oldest_first(client: Client, known: MemoryTables) -> None:
    known.tell(*way("done", 10), happened("task", "young", 30), happened("task", "old", 20))
    body = await get(client, "/in-flight")
    assert body["total"] == 2
    assert [item["task_id"] for item in body["tasks"]] == ["old", "young"]


async def test_every_hop_is_told_with_its_history(client: Client, known: MemoryTables) -> None:
    samples = [
        happened("lag", "", second, role="consumer", topic="ai_topic", lag=lag)
        for second, lag in ((1, 4), (2, 3), (6, 2), (7, 1), (2000, 0))
    ]
    known.tell(*samples[:4], *samples[2:4])
    await known.write()
    [hop] = (await get(client, "/lag"))["hops"]
    assert (hop["role"], hop["lag"]) == ("consumer", 1)
    # a point every five seconds, whatever is delivered again
    assert [lag for _, lag in hop["history"]] == [4, 2]
    known.tell(samples[4])
    await known.write()
    [hop] = (await get(client, "/lag"))["hops"]
    assert [lag for _, lag in hop["history"]] == [0]  # for a quarter of an hour


async def test_the_state_says_unknown_before_anything_was_heard(client: Client) -> None:
    body = await get(client, "/state")
    assert body["governor"]["state"] == "UNKNOWN"
    assert body["memory"] is None
    assert body["model"] is None
    assert body["hops"] == []


async def test_the_state_tells_of_governor_services_and_work(
    client: Client, known: MemoryTables
) -> None:
    off = {"name": "memory", "ok": False, "since": "2026-01-01T00:00:05Z", "reason": "no disk"}
    on = {"name": "memory", "ok": True, "since": "2026-01-01T00:00:01Z", "reason": ""}
    model = {"name": "ollama", "ok": True, "model": "gemma3:1b", "rehearsal": True}
    known.tell(
        happened("decision", "", 1, state="THROTTLED", reason="lag 5", lag=5, threshold=3),
        happened("stage", "", 2, role="memory", worker="b", ts="2", services=[off, model]),
        happened("stage", "", 1, role="memory", worker="a", ts="1", services=[on, model]),
        happened("task", "t-1", 3),
    )
    body = await get(client, "/state")
    assert (body["governor"]["state"], body["governor"]["lag"]) == ("THROTTLED", 5)
    assert body["memory"]["on"] is False
    assert (body["memory"]["since"], body["memory"]["reason"]) == (off["since"], "no disk")
    assert (body["model"]["name"], body["model"]["rehearsal"]) == ("gemma3:1b", True)
    assert len(body["stages"]) == 2
    assert body["in_flight"] == 1


@pytest.mark.parametrize(
    "path", ["/state", "/tasks", "/tasks/t-1", "/lag", "/counts", "/errors", "/in-flight"]
)
async def test_nothing_is_told_before_the_tables_are_there(
    client: Client, known: MemoryTables, path: str
) -> None:
    known.ready = False
    answer = await client.get(BASE + path)
    assert "recovered" in (await problem(answer, 503))["detail"]
    assert answer.headers["Retry-After"]


async def test_the_same_is_told_after_a_restart(client: Client, known: MemoryTables) -> None:
    known.tell(*way("t-1", 10), happened("task", "t-2", 20))
    known.tell(happened("decision", "", 1, state="ACTIVE", reason="lag 0"))
    await known.write()
    known.tell(happened("review", "t-2", 30))  # not written when the worker ends
    again = known.restarted()
    again.tell(happened("review", "t-2", 30))  # so it is delivered again
    for tables in (known.tables, again.tables):
        assert [t["outcome"] for t in tables.recent(10)] == ["reviewed", "reviewed"]
        assert tables.counts()["reviewed"] == 2
        assert tables.in_flight() == {}
        assert (tables.word("governor") or {})["state"] == "ACTIVE"


async def test_events_that_are_delivered_twice_change_nothing(known: MemoryTables) -> None:
    events = [*way("t-1", 10), happened("task", "t-2", 20)]
    known.tell(*events)
    counts, listed = known.tables.counts(), known.tables.recent(10)
    await known.write()
    known.tell(*events)
    assert known.tables.counts() == counts
    assert known.tables.recent(10) == listed


async def test_what_a_crash_had_sent_twice_is_counted_once(known: MemoryTables) -> None:
    events = [*way("t-1", 10)]
    known.tell(*events)
    counts = known.tables.counts()
    again = [replace(event, offset=event.offset + 100) for event in events]
    known.tell(*again)
    await known.write()
    assert known.tables.counts() == counts
    # and the count does not depend on which of the tables a crash has left behind
    known.app.tables["tallies"].held.clear()
    restarted = known.restarted()
    restarted.tell(*events, *again)
    assert restarted.tables.counts() == counts


@pytest.mark.parametrize("unwritten", ["tasks", "tallies"])
async def test_a_task_is_listed_once_though_a_crash_parts_what_is_written(
    known: MemoryTables, unwritten: str
) -> None:
    known.tell(happened("task", "t-1", 10))
    await known.write()
    known.app.tables[unwritten].held.clear()
    again = known.restarted()
    again.tell(happened("task", "t-1", 10))
    assert [task["task_id"] for task in again.tables.recent(10)] == ["t-1"]


async def test_what_is_too_large_for_a_table_holds_nothing_else_up(
    known: MemoryTables, caplog: pytest.LogCaptureFixture
) -> None:
    known.tell(happened("task", "t-1", 10), happened("task", "t-2", 11))
    await known.write()
    huge = {"x": "y" * (2 << 20)}
    known.tell(
        happened("line", "t-1", 12, type="event", agent="stranger", name="shout", data=huge),
        happened("review", "t-2", 13),
    )
    await known.write()
    assert "larger than" in caplog.text
    again = known.restarted()
    outcomes = {task["task_id"]: task["outcome"] for task in again.tables.recent(10)}
    assert outcomes == {"t-1": "in_flight", "t-2": "reviewed"}


# -- the way in


async def test_a_submitted_task_is_sent_under_its_id(client: Client, outbox: Outbox) -> None:
    answer = await client.post(f"{BASE}/tasks", json={"task": "Sort a list"})
    assert answer.status == 202
    task_id = (await answer.json())["task_id"]
    [sent] = outbox.sent
    assert (sent.topic, sent.key) == ("ai_topic", task_id.encode())
    assert sent.data["task"] == "Sort a list"
    assert (sent.data["task_id"], sent.data["source"]) == (task_id, "submit")
    assert sent.data["created_at"]


async def test_a_task_can_be_submitted_before_the_tables_are_there(
    client: Client, known: MemoryTables
) -> None:
    known.ready = False
    answer = await client.post(f"{BASE}/tasks", json={"task": "Sort a list"})
    assert answer.status == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"text": "x"}',
        b'{"task": 5}',
        b'{"task": " "}',
        b'{"task": "\\ud800"}',
        b"\xff",
        b'{"task": "' + b"x" * (MOST_TASK_BYTES + 1) + b'"}',
    ],
    ids=["none", "torn", "list", "null", "unnamed", "number", "blank", "half", "bytes", "long"],
)
async def test_what_is_no_task_is_refused_with_the_reason(
    client: Client, outbox: Outbox, body: bytes
) -> None:
    await problem(await client.post(f"{BASE}/tasks", data=body), 422)
    assert outbox.sent == []


async def test_a_body_of_many_megabytes_is_refused_without_being_read(
    client: Client, outbox: Outbox
) -> None:
    answer = await client.post(f"{BASE}/tasks", data=io.BytesIO(b" " * (3 << 20)))
    await problem(answer, 413)
    assert outbox.sent == []


async def test_that_kafka_does_not_take_a_task_is_told(client: Client, outbox: Outbox) -> None:
    outbox.failure = KafkaTimeoutError()
    answer = await client.post(f"{BASE}/tasks", json={"task": "Sort a list"})
    body = await problem(answer, 503)
    assert "kafka" in body["detail"]
    assert body["task_id"].startswith("s-")


async def test_a_kafka_that_says_nothing_is_not_waited_for_without_end(
    client: Client, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    monkeypatch.setattr(mesh, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "send", silent)
    answer = await client.post(f"{BASE}/tasks", json={"task": "Sort a list"})
    assert "time-out" in (await problem(answer, 503))["detail"]
