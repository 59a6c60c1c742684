"""A task is a trace that is true: every stage, try and step, while it runs and afterwards."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from aimesh.core import trace
from aimesh.embedded.rehearsal import RehearsalServer
from tests.mesh import posed, running_mesh

STAGES = ("consumer", "sandbox", "reviewer", "persistence")


def of_kind(spans: list[dict[str, Any]], kind: str) -> Counter[tuple[str, int]]:
    """How many spans of a kind each agent has, by attempt."""
    return Counter(
        (span["agent_name"], span["attributes"]["attempt"])
        for span in spans
        if span["kind"] == kind
    )


async def test_a_task_is_a_trace_with_all_it_takes_seen_while_it_runs(
    kafka: str, tmp_path: Path
) -> None:
    slow = RehearsalServer(latency=1.5, garbage_every=0)
    async with running_mesh(kafka, tmp_path, slow) as mesh:
        worker = await mesh.start()
        task_id = await worker.submit(posed("merge_shifts"))
        path = f"/api/v1/traces/{trace.trace_id(task_id)}"

        # the model is being asked, and that is seen before it has answered
        body = await worker.wait(
            path,
            lambda body: any(
                span["kind"] == "model" and span["status"] == "running" for span in body["spans"]
            ),
        )
        assert body["trace"]["status"] == "running"
        assert body["trace"]["end_time"] is None
        [asking] = [s for s in body["spans"] if s["kind"] == "model"]
        assert (asking["agent_name"], asking["end_time"]) == ("consumer", None)
        [stage] = [s for s in body["spans"] if s["span_id"] == asking["parent_span_id"]]
        assert (stage["agent_name"], stage["status"]) == ("consumer", "running")
        looked_up = [s for s in body["spans"] if s["kind"] == "memory"]
        assert [span["status"] for span in looked_up] == ["completed"]

        task = await worker.reviewed(task_id, limit=60)
        attempts = range(1, len(task["attempts"]) + 1)
        assert len(attempts) > 1
        body = await worker.wait(
            path,
            lambda body: (
                body["trace"]["status"] == "completed"
                and all(span["status"] != "running" for span in body["spans"])
                and any(span["agent_name"] == "persistence" for span in body["spans"])
            ),
            limit=60,
        )
        spans = body["spans"]
        stages, models = of_kind(spans, "agent"), of_kind(spans, "model")
        for attempt in attempts:
            assert stages["consumer", attempt] == stages["sandbox", attempt] == 1
            assert models["consumer", attempt] == 1
            assert of_kind(spans, "tool")["sandbox", attempt] == 1
            assert of_kind(spans, "memory")["consumer", attempt] == 1
        assert sum(count for (agent, _), count in models.items() if agent == "reviewer") == 1
        assert {agent for agent, _ in stages} >= set(STAGES)
        [root] = [span for span in spans if span["parent_span_id"] is None]
        known = {span["span_id"] for span in spans}
        assert len(known) == len(spans)
        assert all(span["parent_span_id"] in known for span in spans if span is not root)
        # the run that failed is a failed span, with why
        [failed] = [s for s in spans if s["kind"] == "tool" and s["attributes"]["attempt"] == 1]
        assert (failed["status"], failed["attributes"]["verdict"]) == ("failed", "failed")
        assert body["trace"]["llm_calls"] == len(attempts) + 1
        assert body["trace"]["total_tokens"] > 0
