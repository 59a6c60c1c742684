"""The telemetry API, path by path: the keys of the contract, parameters, lists, errors."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.core.telemetry import AgentMessage, DetailedError
from aimesh.tables.telemetry.live import Live
from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.views.problems import problems
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.routes import routes
from tests.telemetry import Disk, at, error, event, message

MESSAGE = set(AgentMessage.__dataclass_fields__)
ERROR = set(DetailedError.__dataclass_fields__)

# what the contract promises of every path: the keys of the answer, and of what its lists hold
CONTRACT: list[tuple[str, set[str], dict[str, set[str]]]] = [
    (
        "/api/v1/queues",
        {"queues", "total_messages"},
        {"queues": {"agent_name", "queue_topic", "total_messages", "pending_tasks", "pending"}},
    ),
    (
        "/api/v1/queues/Writer",
        {"agent_name", "queue_topic", "total_messages", "pending_tasks", "messages", "pending"},
        {"messages": MESSAGE, "pending": MESSAGE},
    ),
    (
        "/api/v1/queues/writer/pending",
        {"agent_name", "pending_count", "tasks"},
        {"tasks": MESSAGE},
    ),
    ("/api/v1/errors", {"total", "errors", "summary"}, {"errors": ERROR}),
    (
        "/api/v1/errors/summary",
        {"total_errors", "by_severity", "by_category", "by_agent"},
        {},
    ),
    ("/api/v1/errors/e1", {"error"}, {}),
    (
        "/api/v1/errors/agent/writer",
        {"agent_name", "error_count", "errors"},
        {"errors": ERROR},
    ),
    ("/api/v1/traces", {"traces"}, {"traces": {"trace_id", "status"}}),
    (
        "/api/v1/traces/t1",
        {"trace", "spans", "events", "handoffs"},
        {"spans": {"span_id", "name"}, "handoffs": {"source_agent", "target_agent", "reason"}},
    ),
    ("/api/v1/traces/t1/spans", {"spans"}, {"spans": {"span_id", "start_time", "duration_ms"}}),
    (
        "/api/v1/traces/t1/timeline",
        {"timeline"},
        {"timeline": {"type", "timestamp", "data"}},
    ),
    (
        "/api/v1/traces/t1/graph",
        {"nodes", "edges"},
        {
            "nodes": {"id", "name", "type", "span_count", "total_duration_ms"},
            "edges": {"source", "target", "type", "reason"},
        },
    ),
    ("/api/v1/traces/t1/errors", {"trace_id", "error_count", "errors"}, {"errors": ERROR}),
    (
        "/api/v1/metrics",
        {
            "total_traces",
            "completed_traces",
            "failed_traces",
            "success_rate",
            "total_tokens",
            "total_llm_calls",
            "avg_duration_ms",
            "active_spans",
        },
        {},
    ),
    ("/api/v1/metrics/spans", {"total", "metrics"}, {"metrics": {"span_id", "duration_ms"}}),
    ("/api/v1/metrics/spans?trace_id=t1", {"total", "metrics"}, {"metrics": {"span_id"}}),
]


@dataclass
class Ready:
    """Stands for an observer whose tables are read."""

    tables: TelemetryTables
    ready: bool = True


class Api:
    """The API over tables that a test fills."""

    def __init__(self, client: Any, observer: Ready) -> None:
        self._client = client
        self.observer = observer
        self._offset = 0

    def add(self, *records: dict[str, Any]) -> None:
        kinds = {"message_id": "message", "error_id": "error", "task_id": "event"}
        for record in records:
            kind = next(kinds[name] for name in kinds if name in record)
            self._offset += 1
            entry = [kind, "topic", 0, self._offset, record]
            self.observer.tables.apply(self._offset, [entry])

    async def get(self, path: str, status: int = 200) -> Any:
        async with self._client.get(path) as response:
            body = await response.json(content_type=None)
            assert response.status == status, body
            kind = "application/json" if status < 400 else "application/problem+json"
            assert response.content_type == kind
            return body

    async def all(self, path: str, name: str) -> list[Any]:
        """Return a whole list, page by page."""
        found: list[Any] = []
        following = ""
        while True:
            page = await self.get(f"{path}{'&' if '?' in path else '?'}limit=3{following}")
            assert len(page[name]) <= 3
            found += page[name]
            if page["next_cursor"] is None:
                return found
            following = f"&cursor={page['next_cursor']}"


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    observer = Ready(Disk().tables(Keep(1000, 1000, 1000)))
    app = web.Application(middlewares=[problems])
    source = Source(observer, "p.")  # type: ignore[arg-type]
    app.add_routes(routes(source, Live()))
    async with TestClient(TestServer(app)) as client:
        yield Api(client, observer)


def a_little_of_everything(api: Api) -> None:
    api.add(
        message("m1", trace_id="t1", reason="why", payload={"session_id": "s", "user_id": "u"}),
        message("m2", trace_id="t1", source_agent="writer", target_agent="coder"),
        message(
            "m3", trace_id="t1", message_type="result", parent_message_id="m2",
            target_agent="writer", source_agent="coder", timestamp=at(3),
            payload={"usage": {"input_tokens": 4, "output_tokens": 6}, "model": "m"},
        ),
        error("e1", trace_id="t1"),
        event("task-1", "task", 1),
        event("task-1", "started", 2, agent="consumer"),
        event("task-1", "done", 3, agent="consumer", duration_s=1.0),
        event("task-1", "review", 4, success=True, output_tokens=5),
    )  # fmt: skip


@pytest.mark.parametrize(("path", "keys", "lists"), CONTRACT, ids=[c[0] for c in CONTRACT])
async def test_every_path_has_the_keys_of_the_contract(
    api: Api, path: str, keys: set[str], lists: dict[str, set[str]]
) -> None:
    a_little_of_everything(api)
    body = await api.get(path)
    assert keys <= body.keys()
    for name, wanted in lists.items():
        assert body[name], f"{name} is empty"
        assert all(wanted <= one.keys() for one in body[name])


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/queues/writer?limit=501", "limit"),
        ("/api/v1/queues/writer?limit=0", "limit"),
        ("/api/v1/queues/writer?limit=-1", "limit"),
        ("/api/v1/queues/writer?limit=ten", "limit"),
        ("/api/v1/queues/writer?message_type=order", "message_type"),
        ("/api/v1/queues/writer?cursor=x1", "cursor"),
        ("/api/v1/queues/writer/pending?cursor=%F0%9F%98%80", "cursor"),
        ("/api/v1/errors?severity=awful", "severity"),
        ("/api/v1/errors?category=none", "category"),
        ("/api/v1/errors?limit=501", "limit"),
        ("/api/v1/errors/agent/writer?limit=201", "limit"),
        ("/api/v1/traces?limit=1001", "limit"),
        ("/api/v1/traces?status=maybe", "status"),
        ("/api/v1/traces?session_id=" + "x" * 600, "session_id"),
        ("/api/v1/metrics/spans?limit=5000", "limit"),
    ],
)
async def test_a_bad_parameter_is_named_with_what_it_takes(
    api: Api, path: str, parameter: str
) -> None:
    a_little_of_everything(api)
    body = await api.get(path, 422)
    assert body["errors"][0]["parameter"] == parameter
    assert body["errors"][0]["takes"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/queues/nobody",
        "/api/v1/queues/nobody/pending",
        "/api/v1/errors/none",
        "/api/v1/errors/agent/nobody",
        "/api/v1/traces/none",
        "/api/v1/traces/none/spans",
        "/api/v1/traces/none/timeline",
        "/api/v1/traces/none/graph",
        "/api/v1/traces/none/errors",
        "/api/v1/metrics/spans?trace_id=none",
    ],
)
async def test_what_is_not_known_is_not_found(api: Api, path: str) -> None:
    assert (await api.get(path, 404))["status"] == 404


async def test_the_id_of_a_task_of_the_mesh_is_one_of_its_trace_on_every_path(api: Api) -> None:
    a_little_of_everything(api)
    trace_id = (await api.get("/api/v1/traces/task-1"))["trace"]["trace_id"]
    assert trace_id != "task-1"
    api.add(error("e2", trace_id=trace_id))
    for path in ("spans", "timeline", "graph", "errors"):
        wanted, found = [
            await api.get(f"/api/v1/traces/{name}/{path}") for name in (trace_id, "task-1")
        ]
        assert {**found, "as_of": ""} == {**wanted, "as_of": ""}
    assert [e["error_id"] for e in found["errors"]] == ["e2"]
    (listed,) = (await api.get("/api/v1/traces?trace_id=task-1"))["traces"]
    assert listed["trace_id"] == trace_id


async def test_until_the_tables_are_there_no_answer_is_made_up(api: Api) -> None:
    api.observer.ready = False
    assert (await api.get("/api/v1/queues", 503))["status"] == 503


async def test_lists_are_newest_first_and_go_on_with_their_cursor(api: Api) -> None:
    api.add(*(message(f"m{n}", timestamp=at(n)) for n in range(10)))
    api.add(*(error(f"e{n}") for n in range(10)))
    api.add(*(message(f"t{n}", trace_id=f"t{n}", target_agent="x") for n in range(10)))
    names = [m["message_id"] for m in await api.all("/api/v1/queues/writer", "messages")]
    assert names == [f"m{n}" for n in reversed(range(10))]
    names = [e["error_id"] for e in await api.all("/api/v1/errors", "errors")]
    assert names == [f"e{n}" for n in reversed(range(10))]
    names = [e["error_id"] for e in await api.all("/api/v1/errors/agent/writer", "errors")]
    assert names == [f"e{n}" for n in reversed(range(10))]
    names = [t["trace_id"] for t in await api.all("/api/v1/traces", "traces")]
    assert names == [f"t{n}" for n in reversed(range(10))]
    names = [q["agent_name"] for q in await api.all("/api/v1/queues", "queues")]
    assert names == ["writer", "x"]


async def test_pending_tasks_come_in_the_order_in_which_they_should_be_done(api: Api) -> None:
    order = ["low", "critical", "normal", "high", "critical", "normal", "low", "high"]
    api.add(*(message(f"m{n}", priority=p) for n, p in enumerate(order)))
    tasks = await api.all("/api/v1/queues/writer/pending", "tasks")
    assert [t["message_id"] for t in tasks] == ["m1", "m4", "m3", "m7", "m2", "m5", "m0", "m6"]
    body = await api.get("/api/v1/queues/writer/pending")
    assert body["pending_count"] == 8


async def test_messages_are_filtered_by_type(api: Api) -> None:
    api.add(message("a"), message("b", message_type="heartbeat"), message("c"))
    body = await api.get("/api/v1/queues/writer?message_type=heartbeat")
    assert [m["message_id"] for m in body["messages"]] == ["b"]
    body = await api.get("/api/v1/queues/writer?message_type=cancel")
    assert body["messages"] == []


async def test_errors_are_filtered_by_all_that_is_given_under_both_names(api: Api) -> None:
    api.add(
        error("1", severity="critical", category="llm_error", agent_name="x", trace_id="t"),
        error("2", severity="critical", category="tool_error", agent_name="x", trace_id="t"),
        error("3", severity="info", category="llm_error", agent_name="y", trace_id="u"),
    )

    async def found(query: str) -> list[str]:
        return [e["error_id"] for e in (await api.get(f"/api/v1/errors?{query}"))["errors"]]

    assert await found("severity=critical") == ["2", "1"]
    assert await found("category=llm_error") == ["3", "1"]
    assert await found("agent_name=y") == await found("agent=y") == ["3"]
    assert await found("trace_id=t") == await found("trace=t") == ["2", "1"]
    assert await found("trace=t&severity=critical&category=llm_error&agent=x") == ["1"]
    assert await found("severity=warning") == []


async def test_traces_are_filtered_by_status_session_and_user(api: Api) -> None:
    a_little_of_everything(api)
    api.add(message("z", trace_id="t2", ttl_seconds=1))

    async def found(query: str) -> set[str]:
        return {t["trace_id"] for t in (await api.get(f"/api/v1/traces?{query}"))["traces"]}

    assert await found("status=running") == {"t1"}
    assert await found("status=failed") == {"t2"}
    assert await found("session_id=s&user_id=u") == {"t1"}
    assert await found("session_id=other") == set()
    assert await found("trace_id=t2") == {"t2"}
    assert await found("trace_id=t2&status=running") == set()


async def test_a_trace_can_be_asked_for_by_its_tasks_id(api: Api) -> None:
    a_little_of_everything(api)
    body = await api.get("/api/v1/traces/task-1")
    assert body["trace"]["kind"] == "mesh"
    assert {span["name"] for span in body["spans"]} == {"task", "invoke_agent consumer", "chat "}


async def test_a_trace_of_which_only_errors_are_known_is_shown(api: Api) -> None:
    api.add(error("e", trace_id="alone"))
    body = await api.get("/api/v1/traces/alone")
    assert body["trace"]["status"] == "failed"
    assert [one["error_id"] for one in body["events"]] == ["e"]


async def test_an_answer_outside_of_a_trace_ends_its_span(api: Api) -> None:
    api.add(
        message("a", trace_id="t"),
        message("r", message_type="result", parent_message_id="a", timestamp=at(2)),
    )
    (span,) = (await api.get("/api/v1/traces/t/spans"))["spans"]
    assert (span["status"], span["duration_ms"]) == ("completed", 2000)


async def test_metrics_count_what_is_kept(api: Api) -> None:
    a_little_of_everything(api)
    body = await api.get("/api/v1/metrics")
    assert (body["total_traces"], body["completed_traces"]) == (2, 1)
    assert (body["total_tokens"], body["total_llm_calls"]) == (15, 2)
    assert body["active_spans"] == 1
    spans = await api.get("/api/v1/metrics/spans")
    assert spans["total"] == 2
    assert [one["agent_name"] for one in spans["metrics"]] == ["consumer", "coder"]
    spans = await api.get("/api/v1/metrics/spans?agent_name=coder")
    assert [(one["agent_name"], one["duration_ms"]) for one in spans["metrics"]] == [
        ("coder", 3000)
    ]
