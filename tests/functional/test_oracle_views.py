"""The state API: strict, tagged, told as JSON, as a log and in short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator

from aimesh.agents.observer import Observer
from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.core.oracle.schema import SCHEMA
from aimesh.diagnosing.analysis import Analysis
from aimesh.diagnosing.gathering import Gatherer
from aimesh.oracle.state import StateBuilder
from aimesh.records import now
from aimesh.services.cluster import Deployment
from aimesh.services.kept import Kept
from aimesh.services.model_list import ModelList
from aimesh.services.schema import StateValidator
from aimesh.settings import Settings
from aimesh.tables.telemetry.tables import Keep
from aimesh.views.problems import problems
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.oracle import OracleViews, Parts
from tests.functional.test_claude_views import Telemetry, ago
from tests.model_server import model_server, refuses
from tests.tables import MemoryTables, happened
from tests.telemetry import Disk, event, message

Client = TestClient[web.Request, web.Application]
BASE = "/api/v1/oracle"
POD = {"pod_id": "p1", "cpu": 5.0, "memory": 20.0, "status": "Running", "updated_at": now()}
DEPLOYED = (
    Deployment("writer-deployment", "writer", True, "writes", ("m1",), {
        "deployment_name": "writer-deployment", "max_pods": 2, "pods": [POD],
        "live": {"active_pods": 1, "updated_at": now()}}),
    Deployment("web", "web", False, workload={
        "deployment_name": "web", "max_pods": 1, "pods": [],
        "live": {"active_pods": 0, "updated_at": now()}}),
)  # fmt: skip


@pytest.fixture
async def telemetry() -> Telemetry:
    found = Telemetry(Disk().tables(Keep()))
    tasks = [message(f"m{n}", timestamp=ago(120), priority="high", payload={"prompt": "Add"})
             for n in range(3)]  # fmt: skip
    found.tell("message", *tasks)
    found.tell("event", event("t1", "task", 0), event("t1", "started", 1, agent="consumer"))
    return found


@pytest.fixture
async def mesh() -> MemoryTables:
    tables = MemoryTables()
    tables.tell(
        happened("decision", "", 0, ts=now(), state="ACTIVE", reason="lag 0"),
        happened("stage", "", 1, role="consumer", worker="w1", slots=4, open=1, ts=now()),
    )
    return tables


@pytest.fixture
async def client(telemetry: Telemetry, mesh: MemoryTables) -> AsyncIterator[Client]:
    observer, settings = cast(Observer, mesh), Settings()

    async def deployments() -> Sequence[Deployment]:
        return DEPLOYED

    async with model_server() as server:
        server.routes["/api/show"] = refuses(404, {"error": "model not found"})
        models = ModelList(server.url, None)
        gatherer = Gatherer(observer, settings, models.limits)
        parts = Parts(
            source=Source(cast(TelemetryObserver, telemetry), ""),
            builder=StateBuilder(observer, gatherer.follower, settings),
            analysis=Analysis(gatherer, observer),
            cluster=Kept(deployments, ()),
            models=models,
            settings=settings,
        )
        app = web.Application(middlewares=[problems])
        app.router.add_routes(OracleViews(parts).routes())
        async with TestClient(TestServer(app)) as made:
            yield made
        await models.close()


async def get(client: Client, path: str, **query: str) -> Any:
    answer = await client.get(f"{BASE}/{path}", params=query)
    assert answer.status == 200, await answer.text()
    return await answer.json(content_type=None)


async def test_the_state_is_what_its_schema_says_and_nothing_else(client: Client) -> None:
    state = await get(client, "state", strict="true")
    assert list(Draft202012Validator(await get(client, "schema")).iter_errors(state)) == []
    assert state.keys() == {"id", "agents", "workload", "queues", "litellm"}
    assert "null" not in str(state)
    assert await get(client, "validate") | {"as_of": ""} == {
        "valid": True, "error_count": 0, "errors": [], "as_of": ""}  # fmt: skip


async def test_agents_have_what_they_work_on_and_what_waits_for_them(client: Client) -> None:
    agents = {one["name"]: one for one in (await get(client, "agents"))["agents"]}
    stage = agents["consumer"]
    assert stage["max_parallel_invocations"] == 4
    assert stage["models"] == ["gemma3:1b"]
    [task] = stage["activity"]["active_task_ids"]
    assert (task["id"], task["status"]) == ("t1", "running")
    writer = agents["writer"]
    assert (writer["deployment_name"], writer["models"]) == ("writer-deployment", ["m1"])
    assert [t["status"] for t in writer["activity"]["active_task_ids"]] == ["waiting"] * 3


async def test_queues_have_their_tasks_with_how_long_they_wait(client: Client) -> None:
    [queue] = (await get(client, "state"))["queues"]
    assert queue["name"] == "agent-queue-writer"
    task = queue["tasks"][0]
    assert (task["id"], task["invoked_by"], task["prompt"]) == ("m0", "planner", "Add")
    assert task["priority"] == {"level": "high", "waiting_since_mins": 2.0}


@pytest.mark.parametrize(
    ("mode", "deployments", "agents"),
    [
        ("auto", ["writer-deployment"], {"writer", "consumer", "planner"}),
        ("labeled", ["writer-deployment"], {"writer"}),
        ("all", ["writer-deployment", "web"], {"writer", "web"}),
        ("telemetry", [], {"writer", "consumer", "planner"}),
    ],
)
async def test_the_mode_says_where_agents_are_looked_for(
    client: Client, mode: str, deployments: list[str], agents: set[str]
) -> None:
    state = await get(client, "state", mode=mode)
    assert [one["deployment_name"] for one in state["workload"]] == deployments
    assert {one["name"] for one in state["agents"]} == agents


async def test_who_has_the_state_already_is_told_so(client: Client, telemetry: Telemetry) -> None:
    first = await client.get(f"{BASE}/state")
    tag = first.headers["ETag"]
    again = await client.get(f"{BASE}/state", headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")
    telemetry.tell("message", message("more", timestamp=ago(1)))
    changed = await client.get(f"{BASE}/state", headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


async def test_the_log_tells_what_changed_since_the_callers_tag(
    client: Client, telemetry: Telemetry
) -> None:
    whole = await get(client, "state", format="log")
    assert not whole["is_difference"]
    assert "queue agent-queue-writer: 3 tasks [3 high]" in whole["log"]
    telemetry.tell("message", message("more", target_agent="critic", timestamp=ago(1)))
    told = await get(client, "state", format="log", since=whole["etag"])
    assert told["is_difference"]
    assert "+ queue agent-queue-critic: 1 tasks [1 normal]" in told["log"]
    assert "writer" not in told["log"]
    nothing = await get(client, "state", format="log", since=told["etag"])
    assert (nothing["log"], nothing["etag"]) == ("", told["etag"])
    unknown = await get(client, "state", format="log", since="unknown")
    assert not unknown["is_difference"]


async def test_the_summary_has_counts_and_what_is_wrong(client: Client) -> None:
    body = await get(client, "state", format="summary")
    assert (body["agent_count"], body["active_tasks"], body["queued_tasks"]) == (3, 1, 3)
    assert (body["running_pods"], body["llm_models"]) == (1, 2)
    assert body["status"] == "degraded"
    assert body["issues"][0]["kind"] == "consumer_stuck"
    issues = await get(client, "issues")
    assert issues.keys() >= {"status", "issues", "agent_count", "active_tasks", "queued_tasks"}


async def test_parts_have_paths_of_their_own(client: Client) -> None:
    assert [m["model"] for m in (await get(client, "llm"))["litellm"]] == ["gemma3:1b", "b:latest"]
    assert len((await get(client, "workload"))["workload"]) == 1


async def test_bad_parameters_are_named(client: Client) -> None:
    for query in ({"format": "xml"}, {"strict": "maybe"}, {"mode": "some"}):
        answer = await client.get(f"{BASE}/state", params=query)
        assert answer.status == 422


def test_what_does_not_fit_is_told_with_its_place() -> None:
    state: dict[str, Any] = {
        "id": "x", "workload": [], "litellm": [], "extra": 1,
        "agents": [{"name": "a", "deployment_name": "", "models": [],
                    "activity": {"active_task_ids": [], "updated_at": "yesterday"}}],
        "queues": [{"name": "a/b", "updated_at": now(),
                    "tasks": [{"id": "1", "submitted_at": now(), "priority": {"level": "top"}}]}],
    }  # fmt: skip
    found = StateValidator().errors(state)
    assert {error["path"] for error in found} >= {"", "/queues/0/tasks/0/priority/level"}
    level = next(error for error in found if error["path"].endswith("level"))
    assert (level["validator"], level["validator_value"]) == (
        "enum", ["low", "normal", "high", "critical"])  # fmt: skip
    assert SCHEMA["$schema"].endswith("2020-12/schema")


def test_a_part_that_was_good_is_looked_at_once_and_a_bad_one_always() -> None:
    validator = StateValidator()
    good = {"model": "m", "provider": "p", "tpm_max": 0, "rpm_max": 0}
    state = {"id": "x", "agents": [], "workload": [], "queues": [], "litellm": [good, {}]}
    assert [e["path"] for e in validator.errors(state)] == ["/litellm/1"] * 4
    assert [e["path"] for e in validator.errors(state)] == ["/litellm/1"] * 4


def test_a_bad_task_or_time_is_told_whatever_was_good_around_it() -> None:
    validator = StateValidator()
    task = {"id": "1", "submitted_at": now(), "priority": {"level": "low"}}
    state: dict[str, Any] = {"id": "x", "agents": [], "workload": [], "litellm": [], "queues": [
        {"name": "q", "updated_at": now(), "tasks": [task, task]}]}  # fmt: skip
    [queue] = state["queues"]
    assert validator.errors(state) == validator.errors(state) == []
    queue["tasks"] = [task, task | {"id": 2}]
    queue["updated_at"] = "yesterday"
    for _ in range(2):
        assert [(e["path"], e["validator"]) for e in validator.errors(state)] == [
            ("/queues/0/updated_at", "format"), ("/queues/0/tasks/1/id", "type")]  # fmt: skip
    del queue["updated_at"]
    queue["tasks"] = [task, task]
    assert [(e["path"], e["validator"]) for e in validator.errors(state)] == [
        ("/queues/0", "required")]  # fmt: skip


def test_the_settings_choose_where_to_look_first() -> None:
    settings = Settings.from_env({"ORACLE_DISCOVERY_MODE": "labeled", "ORACLE_STRICT_SCHEMA": "0"})
    assert (settings.oracle_mode, settings.oracle_strict) == ("labeled", False)
    assert replace(settings, oracle_mode="all").oracle_mode == "all"
