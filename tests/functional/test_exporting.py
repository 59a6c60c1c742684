"""Traces reach an OpenTelemetry receiver as they are in the log, and nothing is lost unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.core import trace
from aimesh.core.exporting.sampling import Sampler, SamplingConfig
from aimesh.errors import SettingsError
from aimesh.exporting import tail
from aimesh.exporting.tail import TailExporter
from aimesh.services import otlp as otlp_service
from aimesh.services.otlp import Otlp, OtlpSettings
from aimesh.tables.telemetry.tables import Keep
from aimesh.views.problems import problems
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.otlp import OtlpViews
from aimesh.views.telemetry.sampling import SamplingViews
from aimesh.wiring.export import head_rate
from tests.functional.test_claude_views import Telemetry
from tests.otlp_receiver import PATH, OtlpReceiver, attributes, otlp_receiver
from tests.telemetry import START, Disk, at, error, event, message
from tests.waiting import until

Client = TestClient[web.Request, web.Application]
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def receiver() -> AsyncIterator[OtlpReceiver]:
    async with otlp_receiver() as found:
        yield found


@pytest.fixture
async def telemetry() -> Telemetry:
    return Telemetry(Disk().tables(Keep()))


def otlp(receiver: OtlpReceiver, **more: Any) -> Otlp:
    settings = OtlpSettings(endpoint=receiver.url + PATH, **more)
    return Otlp(settings, first_pause=0.01)


def exporter(
    telemetry: Telemetry, door: Otlp, folder: Path, config: SamplingConfig | None = None
) -> TailExporter:
    observer = cast(TelemetryObserver, telemetry)
    sampler = Sampler(config or SamplingConfig())
    return TailExporter(observer, sampler, door, folder / "export.json", "p.")


def mesh_task(name: str = "t1", *, success: bool = True) -> list[dict[str, Any]]:
    """A task's way as events, in a trace with an id of its own."""
    return [
        event(name, "task", 0, task="Add") | {"trace_id": TRACE},
        event(name, "started", 1, agent="consumer"),
        event(name, "solution", 3, model="gemma3:1b", duration_s=1.5, input_tokens=5,
              output_tokens=7, memories=1),
        event(name, "done", 3, agent="consumer", duration_s=2),
        event(name, "started", 3, agent="sandbox"),
        event(name, "verdict", 4, verdict="passed", success=True, wall_s=0.5, final=True),
        event(name, "done", 4, agent="sandbox", duration_s=1),
        event(name, "review", 5, success=success, model="gemma3:1b", duration_s=0.5),
    ]  # fmt: skip


async def settled(made: TailExporter, telemetry: Telemetry) -> None:
    """Let the exporter take in what is new, and see what has ended as ended."""
    await made.step(telemetry.tables)
    for waiting in made._waiting.values():
        waiting.changed -= tail.QUIET
    await made.step(telemetry.tables)
    await made.otlp.flush()


async def test_a_task_arrives_with_its_ids_its_times_and_the_right_parents(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    door = otlp(receiver, service="mesh")
    made = exporter(telemetry, door, tmp_path)
    await made.step(telemetry.tables)
    telemetry.tell("event", *mesh_task())
    await settled(made, telemetry)
    await door.stop()

    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE}
    root = receiver.named("invoke_workflow aimesh")
    stage = receiver.named("invoke_agent consumer")
    chat = next(s for s in receiver.spans if s.parent_span_id == stage.span_id
                and s.name == "chat gemma3:1b")  # fmt: skip
    assert root.parent_span_id == b""
    assert root.span_id.hex() == trace.span_id("t1")
    assert stage.parent_span_id == root.span_id
    assert receiver.named("execute_tool sandbox").parent_span_id == receiver.named(
        "invoke_agent sandbox").span_id  # fmt: skip
    assert (stage.start_time_unix_nano, stage.end_time_unix_nano) == (
        int((START + 1) * 1e9), int((START + 3) * 1e9))  # fmt: skip
    assert (root.kind, stage.kind, chat.kind) == (
        Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_CLIENT)  # fmt: skip
    found = attributes(chat)
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.provider.name"] == "ollama"
    assert found["gen_ai.request.model"] == "gemma3:1b"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (5, 7)
    found = attributes(stage)
    assert found["gen_ai.agent.name"] == "consumer"
    assert found["messaging.system"] == "kafka"
    assert found["messaging.destination.name"] == "p.ai_topic"
    assert attributes(root)["gen_ai.conversation.id"] == "t1"
    assert receiver.resources[0]["service.name"] == "mesh"
    assert receiver.scopes[0][0] == "aimesh"
    assert receiver.scopes[0][1].startswith("https://opentelemetry.io/schemas/")


async def test_agents_messages_and_errors_arrive_as_spans_with_events(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    door = otlp(receiver)
    made = exporter(telemetry, door, tmp_path)
    await made.step(telemetry.tables)
    telemetry.tell("error", error("e1", trace_id="any id", error_type="ToolError",
                                  error_message="broke", timestamp=at(1)))  # fmt: skip
    telemetry.tell(
        "message",
        message("m1", trace_id="any id"),
        message("m2", source_agent="writer", target_agent="critic", trace_id="any id",
                parent_message_id="m1", timestamp=at(1)),
        message("m3", message_type="error", parent_message_id="m2", trace_id="any id",
                source_agent="critic", target_agent="writer", timestamp=at(2)),
        message("m4", message_type="result", parent_message_id="m1", trace_id="any id",
                source_agent="writer", target_agent="planner", timestamp=at(3)),
    )  # fmt: skip
    await settled(made, telemetry)
    await door.stop()
    writer, critic = receiver.named("invoke_agent writer"), receiver.named("invoke_agent critic")
    assert writer.trace_id.hex() == trace.trace_id("any id")
    assert critic.parent_span_id == writer.span_id
    assert attributes(writer)["messaging.destination.name"] == "p.agent-queue-writer"
    assert attributes(writer)["messaging.message.id"] == "m1"
    assert critic.status.code == Status.STATUS_CODE_ERROR
    [told] = [e for span in receiver.spans for e in span.events]
    words = {a.key: a.value.string_value for a in told.attributes}
    assert (told.name, words["exception.type"]) == ("exception", "ToolError")


async def test_what_comes_late_is_sent_once_and_after_it(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    door = otlp(receiver)
    made = exporter(telemetry, door, tmp_path)
    await made.step(telemetry.tables)
    telemetry.tell("event", *mesh_task())
    await settled(made, telemetry)
    first = len(receiver.spans)
    telemetry.tell("event", event("t1", "done", 6, agent="persistence", duration_s=1))
    await settled(made, telemetry)
    await door.stop()
    assert [span.name for span in receiver.spans[first:]] == ["invoke_agent persistence"]


async def test_after_a_restart_it_goes_on_where_it_was(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    made = exporter(telemetry, otlp(receiver), tmp_path)
    telemetry.tell("event", *mesh_task("before"))
    await made.step(telemetry.tables)  # what was there before is not exported
    assert made.buffered == 0
    telemetry.tell("event", event("t2", "task", 9), event("t2", "review", 10, success=True))
    await made.step(telemetry.tables)  # seen, and not decided on yet
    assert made.buffered == 1
    door = otlp(receiver)
    again = exporter(telemetry, door, tmp_path)
    await settled(again, telemetry)
    await door.stop()
    assert [attributes(s)["gen_ai.conversation.id"] for s in receiver.spans
            if s.name == "invoke_workflow aimesh"] == ["t2"]  # fmt: skip


async def test_a_receiver_that_is_busy_is_tried_again(receiver: OtlpReceiver) -> None:
    receiver.refusals = [400, 400]
    door = otlp(receiver)
    telemetry = Telemetry(Disk().tables(Keep()))
    telemetry.tell("event", *mesh_task())
    made = exporter(telemetry, door, Path("/nonexistent"))
    number = made.export(telemetry.tables, TRACE)
    assert await door.flush() == number > 0
    await door.stop()
    metrics = door.metrics()
    assert (metrics["retries"], metrics["failed_exports"]) == (2, 2)
    assert metrics["exported_spans"] == len(receiver.spans) == number


async def test_what_cannot_be_sent_or_has_no_room_is_counted(receiver: OtlpReceiver) -> None:
    receiver.refusals = [400] * 5
    door = otlp(receiver, queue=4)
    telemetry = Telemetry(Disk().tables(Keep()))
    telemetry.tell("event", *mesh_task())
    made = exporter(telemetry, door, Path("/nonexistent"))
    made.export(telemetry.tables, TRACE)
    assert await door.flush() == 0
    await door.stop()
    metrics = door.metrics()
    assert metrics["dropped_queue_full"] > 0
    assert metrics["dropped_export_failed"] == 4
    assert metrics["waiting_spans"] == 0
    assert door.problem


async def test_the_head_rate_drops_and_an_error_is_kept_all_the_same(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    door = otlp(receiver)
    made = exporter(telemetry, door, tmp_path,
                    SamplingConfig(head_sample_rate=0.0, slow_trace_threshold_ms=1e9))  # fmt: skip
    await made.step(telemetry.tables)
    telemetry.tell("event", event("good", "task", 0), event("good", "review", 1, success=True))
    telemetry.tell("event", event("bad", "task", 0), event("bad", "review", 1, success=False))
    await settled(made, telemetry)
    await door.stop()
    names = {attributes(s).get("gen_ai.conversation.id") for s in receiver.spans}
    assert names >= {"bad"}
    assert "good" not in names
    metrics = made.sampler.metrics(0)
    assert (metrics["sampled_traces"], metrics["error_sampled_traces"]) == (1, 1)
    assert metrics["dropped_traces"] == 1


@pytest.fixture
async def client(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path
) -> AsyncIterator[Client]:
    door = otlp(receiver)
    made = exporter(telemetry, door, tmp_path)
    app = web.Application(middlewares=[problems])
    source = Source(cast(TelemetryObserver, telemetry), "")
    app.router.add_routes([*SamplingViews(made).routes(), *OtlpViews(source, made).routes()])
    async with TestClient(TestServer(app)) as found:
        yield found
    await door.stop()


async def test_the_api_tells_and_sets_what_is_sampled(client: Client) -> None:
    body = await (await client.get("/api/v1/sampling/metrics")).json()
    assert body["status"] == "active"
    assert body["metrics"].keys() >= {
        "total_traces", "sampled_traces", "dropped_traces", "rate_limited_traces",
        "error_sampled_traces", "slow_sampled_traces", "total_spans", "sampled_spans",
        "dropped_spans", "trace_cardinality", "agent_cardinality", "tail_buffer_size",
        "trace_rate_available", "span_rate_available", "event_rate_available", "sample_rate",
    }  # fmt: skip
    config = {
        "head_sample_rate": 0.5,
        "agent_sample_rates": {"writer": 1},
        "debug_trace_ids": ["a"],
    }
    answer = await client.post("/api/v1/sampling/configure", json=config)
    found = (await answer.json())["new_config"]
    assert (found["head_sample_rate"], found["agent_sample_rates"]) == (0.5, {"writer": 1.0})
    assert found["slow_trace_threshold_ms"] == 5000
    for bad in ({"head_sample_rate": 2}, {"debug_trace_ids": "a"}, {"unknown": 1}, [1]):
        assert (await client.post("/api/v1/sampling/configure", json=bad)).status == 422
    assert (await client.post("/api/v1/sampling/reset-metrics")).status == 200


async def test_the_api_exports_a_trace_and_says_how_the_export_does(
    client: Client, telemetry: Telemetry, receiver: OtlpReceiver
) -> None:
    telemetry.tell("event", *mesh_task())
    body = await (await client.post(f"/api/v1/otlp/export-trace/{TRACE}")).json()
    assert (body["status"], body["trace_id"]) == ("exported", TRACE)
    assert body["span_count"] == len(receiver.spans) > 5
    assert body["endpoint"] == receiver.url + PATH
    status = await (await client.get("/api/v1/otlp/status")).json()
    assert status.keys() >= {"status", "endpoint", "metrics", "config"}
    assert status["metrics"]["exported_spans"] == len(receiver.spans)
    assert (await client.post("/api/v1/otlp/flush")).status == 200
    assert (await client.post("/api/v1/otlp/export-trace/nobody")).status == 404


async def test_without_an_endpoint_nothing_is_exported_and_that_is_said(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    made = exporter(telemetry, Otlp(OtlpSettings.from_env({})), tmp_path)
    app = web.Application(middlewares=[problems])
    app.router.add_routes(OtlpViews(Source(cast(Any, telemetry), ""), made).routes())
    await made.start()
    async with TestClient(TestServer(app)) as client:
        status = await (await client.get("/api/v1/otlp/status")).json()
        assert (status["status"], status["endpoint"]) == ("disabled", None)
        assert (await client.post("/api/v1/otlp/flush")).status == 409
    await made.stop()


async def test_the_background_does_it_all_by_itself(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "QUIET", 0.0)
    monkeypatch.setattr(tail, "PAUSE", 0.01)
    made = exporter(telemetry, otlp(receiver, delay=0.05), tmp_path)
    await made.start()
    await until(lambda: made.is_following)
    telemetry.tell("event", event("t2", "task", 9), event("t2", "review", 10, success=True))
    await until(lambda: receiver.spans)
    await made.stop()
    assert receiver.spans[0].name == "invoke_workflow aimesh"


async def test_a_receiver_that_is_away_holds_nothing_up_at_the_end(
    telemetry: Telemetry, receiver: OtlpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_service, "STOP_SECONDS", 0.1)
    door = Otlp(OtlpSettings(endpoint="http://127.0.0.1:1/v1/traces", delay=0.01))
    made = exporter(telemetry, door, tmp_path)
    telemetry.tell("event", *mesh_task())
    await made.start()
    made.export(telemetry.tables, TRACE, force=True)
    async with asyncio.timeout(5):
        await made.stop()
    assert door.metrics()["dropped_export_failed"] > 0


def test_the_variables_of_opentelemetry_are_honoured() -> None:
    found = OtlpSettings.from_env({
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/", "OTEL_SERVICE_NAME": "mine",
        "OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_SCHEDULE_DELAY": "250",
    })  # fmt: skip
    assert found.endpoint == "http://collector:4318/v1/traces"
    assert (found.service, found.queue, found.delay) == ("mine", 10, 0.25)
    off = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}
    assert OtlpSettings.from_env(off).endpoint == ""
    with pytest.raises(SettingsError, match="OTEL_BSP_MAX_QUEUE_SIZE"):
        OtlpSettings.from_env({"OTEL_BSP_MAX_QUEUE_SIZE": "many"})
    assert head_rate({}) == 1.0
    assert head_rate({"OTEL_TRACES_SAMPLER": "always_off"}) == 0.0
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    assert head_rate(ratio) == 0.1
    with pytest.raises(SettingsError, match="OTEL_TRACES_SAMPLER"):
        head_rate({"OTEL_TRACES_SAMPLER": "sometimes"})
