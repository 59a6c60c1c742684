"""A running mesh exports its tasks to an OpenTelemetry receiver: whole, once, under one root."""

from __future__ import annotations

from pathlib import Path

from tests.mesh import running_mesh, simple
from tests.otlp_receiver import attributes, otlp_receiver
from tests.waiting import until

ROOT = "invoke_workflow aimesh"
STAGES = {"consumer", "sandbox", "reviewer", "persistence"}


async def test_tasks_arrive_as_traces_with_the_right_parents(kafka: str, tmp_path: Path) -> None:
    async with (
        otlp_receiver() as receiver,
        running_mesh(
            kafka,
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
            OTEL_SERVICE_NAME="mesh-under-test",
        ) as mesh,
    ):
        worker = await mesh.start()
        ids = [await worker.submit(text) for text in simple(3)]
        await mesh.archived(ids)

        def stages() -> set[tuple[str, str]]:
            roots = [span for span in receiver.spans if span.name == ROOT]
            names = {s.trace_id: attributes(s)["gen_ai.conversation.id"] for s in roots}
            return {
                (names.get(s.trace_id, ""), attributes(s).get("gen_ai.agent.name", ""))
                for s in receiver.spans
            }

        await until(lambda: stages() >= {(i, stage) for i in ids for stage in STAGES}, 60)
        status = await worker.get("/api/v1/otlp/status")
        sampling = await worker.get("/api/v1/sampling/metrics")
        assert await worker.stop() == 0

    spans = {(span.trace_id, span.span_id): span for span in receiver.spans}
    assert len(spans) == len(receiver.spans), "a span came twice"
    for span in receiver.spans:
        if span.name == ROOT:
            assert span.parent_span_id == b""
            continue
        parent = spans[span.trace_id, span.parent_span_id]
        assert parent.start_time_unix_nano <= span.start_time_unix_nano
    assert {r["service.name"] for r in receiver.resources} == {"mesh-under-test"}
    assert status["status"] == "active"
    assert status["metrics"]["dropped_queue_full"] == 0
    assert status["metrics"]["dropped_export_failed"] == 0
    assert sampling["metrics"]["dropped_spans"] == 0
