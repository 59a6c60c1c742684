"""The diagnosis API: the contract's keys, parameters, formats and budgets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from aimesh.agents.observer import Observer
from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.core.diagnosis.prompting import tokens
from aimesh.core.moments import rfc3339
from aimesh.diagnosing.analysis import Analysis
from aimesh.diagnosing.gathering import Gatherer
from aimesh.records import now
from aimesh.services.model_list import ModelList
from aimesh.settings import Settings
from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.views.problems import problems
from aimesh.views.telemetry.claude import ClaudeViews
from aimesh.views.telemetry.common import Source
from tests.model_server import model_server, refuses
from tests.tables import MemoryTables, happened
from tests.telemetry import Disk, error, event, message

Client = TestClient[web.Request, web.Application]
PREFIX = "/api/v1/claude"
ISSUE = {
    "id", "severity", "category", "title", "description", "affected_components",
    "related_trace_ids", "suggested_actions", "detected_at", "metadata",
}  # fmt: skip
GROUP = {
    "error_type", "error_category", "count", "first_seen", "last_seen", "affected_agents",
    "sample_message", "sample_trace_id", "suggestions",
}  # fmt: skip


@dataclass
class Telemetry:
    """Stands where the telemetry's observer is."""

    tables: TelemetryTables
    ready: bool = True
    holds_feed: bool = True
    offset: int = 0

    def tell(self, kind: str, *records: dict[str, Any]) -> None:
        """Work records in."""
        for record in records:
            self.offset += 1
            self.tables.apply(self.offset, [[kind, kind, 0, self.offset, record]])


def ago(seconds: float) -> str:
    return rfc3339(datetime.fromtimestamp(time.time() - seconds, UTC))


@pytest.fixture
async def telemetry() -> Telemetry:
    return Telemetry(Disk().tables(Keep()))


@pytest.fixture
async def mesh() -> MemoryTables:
    tables = MemoryTables()
    tables.tell(happened("decision", "", 0, ts=now(), state="ACTIVE", reason="lag 0"))
    return tables


@pytest.fixture
async def client(telemetry: Telemetry, mesh: MemoryTables) -> AsyncIterator[Client]:
    source = Source(cast(TelemetryObserver, telemetry), "")
    observer = cast(Observer, mesh)
    async with model_server() as server:
        server.routes["/api/show"] = refuses(404, {"error": "model not found"})
        models = ModelList(server.url, None)
        analysis = Analysis(Gatherer(observer, Settings(), models.limits), observer)
        app = web.Application(middlewares=[problems])
        app.router.add_routes(ClaudeViews(source, analysis, models).routes())
        async with TestClient(TestServer(app)) as made:
            yield made
        await models.close()


async def get(client: Client, path: str, **query: str | int) -> dict[str, Any]:
    answer = await client.get(f"{PREFIX}/{path}", params=query)
    assert answer.status == 200, await answer.text()
    body: dict[str, Any] = await answer.json()
    return body


def broken(number: int, **fields: Any) -> list[dict[str, Any]]:
    known = {"error_type": "ToolError", "error_message": "disk 7 broke", "trace_id": "t1"}
    return [
        error(f"e{n}", **{"timestamp": ago(n), **known, **fields}) | {"ref": f"errors/0/{n}"}
        for n in range(number)
    ]


async def test_nothing_wrong_is_healthy_in_every_format(client: Client) -> None:
    body = await get(client, "diagnose")
    assert body["metadata"]["system_status"] == "healthy"
    assert body["issues"] == {"counts": dict.fromkeys(body["issues"]["counts"], 0), "items": []}
    assert "healthy" in (await get(client, "diagnose", format="prompt"))["content"]
    assert (await get(client, "diagnose", format="summary"))["suggested_actions"] == []
    assert (await get(client, "actions"))["total_actions"] == 0


async def test_every_format_has_the_keys_of_the_contract(
    client: Client, telemetry: Telemetry
) -> None:
    telemetry.tell("error", *broken(5, suggested_fixes=["replace it"]))
    body = await get(client, "diagnose", time_window_minutes=15)
    assert body.keys() >= {"metadata", "issues", "errors", "performance", "debugging_context"}
    assert body["metadata"].keys() >= {"generated_at", "time_window_minutes", "system_status"}
    assert body["errors"].keys() >= {"error_rate", "recent"}
    latency = body["performance"]["latency"]
    assert latency.keys() == {"avg_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"}
    [item] = body["issues"]["items"]
    assert item.keys() >= ISSUE
    assert item["evidence"][0].startswith("errors/0/")
    assert (item["count"], item["related_trace_ids"]) == (5, ["t1"])
    prompt = await get(client, "diagnose", format="prompt")
    assert prompt["format"] == "prompt"
    summary = await get(client, "diagnose", format="summary")
    assert summary.keys() >= {
        "format", "system_status", "system_summary", "issue_counts", "error_rate",
        "any_rate_limited", "suggested_actions",
    }  # fmt: skip
    action = summary["suggested_actions"][0]
    assert action.keys() >= {"priority", "action", "rationale", "related_issue_id"}
    assert action["action"] == "replace it"
    assert (await get(client, "actions")).keys() >= {"system_status", "total_actions", "actions"}


@pytest.mark.parametrize("budget", [100, 250, 1000])
async def test_the_prompt_keeps_to_the_callers_budget(
    client: Client, telemetry: Telemetry, budget: int
) -> None:
    for kind in "ABCDEFGH":
        telemetry.tell("error", *broken(3, error_type=kind, error_message=f"{kind} " * 200))
    body = await get(client, "diagnose", format="prompt", budget_tokens=budget)
    assert tokens(body["content"]) <= budget
    assert "1. CAUSE" in body["content"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("diagnose", {"time_window_minutes": "61"}),
        ("diagnose", {"format": "xml"}),
        ("diagnose", {"budget_tokens": "99"}),
        ("errors", {"limit": "51"}),
        ("errors", {"include_raw_errors": "maybe"}),
        ("slow-traces", {"threshold_ms": "-1"}),
    ],
)
async def test_a_bad_parameter_is_named(client: Client, path: str, query: dict[str, str]) -> None:
    answer = await client.get(f"{PREFIX}/{path}", params=query)
    assert answer.status == 422
    [problem] = (await answer.json())["errors"]
    assert {problem["parameter"]: problem["got"]} == query


async def test_before_the_tables_are_read_the_answer_is_to_come_again(
    client: Client, telemetry: Telemetry
) -> None:
    telemetry.ready = False
    assert (await client.get(f"{PREFIX}/diagnose")).status == 503


async def test_errors_are_grouped_by_what_makes_them_the_same(
    client: Client, telemetry: Telemetry
) -> None:
    telemetry.tell("error", *broken(4))
    telemetry.tell("error", *[
        error(f"o{n}", error_type="Other", error_message=f"task {n} at 0x{n:08x} failed",
              agent_name=f"a{n}", timestamp=ago(n)) for n in range(6)
    ])  # fmt: skip
    body = await get(client, "errors", include_raw_errors="true", limit=5)
    assert body.keys() >= {"total_error_types", "errors", "error_store_summary", "source"}
    assert [(g["error_type"], g["count"]) for g in body["errors"]] == [
        ("Other", 6),
        ("ToolError", 4),
    ]
    assert body["errors"][0].keys() >= GROUP
    agents = next(g["affected_agents"] for g in body["errors"] if g["error_type"] == "Other")
    assert len(agents) == 6
    assert len(body["raw_errors"]) == 5
    assert body["error_store_summary"]["total_errors"] == 10
    bare = await get(client, "errors", include_suggestions="false")
    assert "suggestions" not in bare["errors"][0]


async def test_the_evidence_of_a_dead_letter_needs_nothing_but_the_letter(
    client: Client, telemetry: Telemetry
) -> None:
    letter = {"error": "it is not JSON", "error_type": "Rejected", "origin": "ai_topic/0/15"}
    told = event("x-ai_topic-0-15", "dead_letter", 0, **letter) | {"ref": "ai_dead_letters/0/3"}
    telemetry.tell("event", {**told, "at": ago(1)})
    [item] = (await get(client, "diagnose"))["issues"]["items"]
    assert item["kind"] == "poison_message"
    assert item["evidence"] == ["ai_dead_letters/0/3", "ai_topic/0/15"]


async def test_the_evidence_of_code_in_circles_are_its_verdicts(
    client: Client, telemetry: Telemetry
) -> None:
    for number, final in ((0, False), (1, True)):
        told = event("t1", "verdict", number, verdict="failed", success=False, final=final)
        told |= {"at": ago(2 - number), "ref": f"ai_verdict/0/{number}"}
        telemetry.tell("event", told)
    items = (await get(client, "diagnose"))["issues"]["items"]
    loop = next(item for item in items if item["kind"] == "code_loop")
    assert loop["evidence"] == ["ai_verdict/0/1", "ai_verdict/0/0"]


async def test_a_slow_trace_is_told_with_the_span_that_took_the_time(
    client: Client, telemetry: Telemetry
) -> None:
    telemetry.tell(
        "event",
        event("t1", "task", 0, task="Add"),
        event("t1", "started", 1, agent="consumer"),
        event("t1", "solution", 9, model="gemma3:1b", duration_s=7.5, output_tokens=3),
        event("t1", "done", 9, agent="consumer", duration_s=8),
        event("t1", "started", 9, agent="reviewer"),
        event("t1", "review", 10, model="gemma3:1b", duration_s=0.5, success=True),
        event("t1", "done", 10, agent="reviewer", duration_s=1),
    )
    telemetry.tell("event", event("t2", "task", 0), event("t2", "review", 1, success=True))
    body = await get(client, "slow-traces", threshold_ms=5000)
    assert (body["threshold_ms"], body["count"]) == (5000, 1)
    [trace] = body["traces"]
    assert trace["task_id"] == "t1"
    slow = trace["bottleneck"]
    assert (slow["name"], slow["agent_name"]) == ("chat gemma3:1b", "consumer")
    assert slow["duration_ms"] == 7500
    assert slow["share"] == 0.75


async def test_models_are_told_with_what_was_measured_and_no_invented_limits(
    client: Client, telemetry: Telemetry
) -> None:
    solved = event("t1", "solution", 0, model="gemma3:1b", input_tokens=11, output_tokens=7)
    telemetry.tell("event", event("t1", "task", 0), {**solved, "at": ago(1)})
    body = await get(client, "rate-limits")
    assert (body["status"], body["any_limited"]) == ("ok", False)
    model = next(m for m in body["models"] if m["model"] == "gemma3:1b")
    assert model["tpm"] == {"used": 18, "limit": None, "percentage": None}
    assert model["rpm"]["used"] == 1
    assert (model["is_limited"], model["estimated_reset_seconds"]) == (False, None)


async def test_an_agent_that_leaves_its_queue_is_found_by_what_waits_in_it(
    client: Client, telemetry: Telemetry
) -> None:
    telemetry.tell("message", message("m1", timestamp=ago(300)))
    items = (await get(client, "diagnose"))["issues"]["items"]
    stuck = next(item for item in items if item["kind"] == "consumer_stuck")
    assert stuck["evidence"] == ["agent-queue-writer/0/0"]


async def test_the_evidence_is_that_of_the_task_that_is_the_oldest_now(
    client: Client, telemetry: Telemetry
) -> None:
    async def evidence() -> list[str]:
        items = (await get(client, "diagnose"))["issues"]["items"]
        [stuck] = [item for item in items if item["kind"] == "consumer_stuck"]
        return list(stuck["evidence"])

    old, new = message("m1", timestamp=ago(300)), message("m2", timestamp=ago(200))
    telemetry.tell("message", {**old, "ref": "agent-queue-writer/0/1"})
    telemetry.tell("message", {**new, "ref": "agent-queue-writer/0/2"})
    assert await evidence() == await evidence() == ["agent-queue-writer/0/1"]
    done = message("m3", message_type="result", parent_message_id="m1", target_agent="planner",
                   source_agent="someone", timestamp=ago(150))  # fmt: skip
    telemetry.tell("message", done)
    assert await evidence() == ["agent-queue-writer/0/2"]


async def test_after_the_tables_are_read_anew_the_diagnosis_is_the_same(
    client: Client, telemetry: Telemetry
) -> None:
    telemetry.tell("error", *broken(5))
    first = (await get(client, "diagnose"))["issues"]["items"]
    disk = Disk()
    tables = disk.tables(Keep())
    for number, record in enumerate(broken(5), 1):
        tables.apply(number, [["error", "error", 0, number, record]])
    telemetry.tables = tables
    again = (await get(client, "diagnose"))["issues"]["items"]
    assert [(i["id"], i["count"]) for i in again] == [(i["id"], i["count"]) for i in first]
