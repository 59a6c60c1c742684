"""What goes wrong in the mesh's own agents can be read where the errors of all agents are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from aimesh.core import trace
from aimesh.embedded.ports import free_port
from tests.mesh import running_mesh, simple
from tests.worker import Worker

ERRORS = "/api/v1/errors"


async def error_of(worker: Worker, query: str) -> dict[str, Any]:
    """Wait for an error that fits, and return the newest."""
    body = await worker.wait(f"{ERRORS}?{query}", lambda body: body["total"])
    error: dict[str, Any] = body["errors"][0]
    assert error["service_name"] == "aimesh"
    assert error["suggested_fixes"]
    return error


async def test_a_model_that_is_down_a_dead_letter_and_a_broken_sandbox_are_told(
    kafka: str, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    async with running_mesh(kafka, tmp_path, OLLAMA_BASE_URL=away) as mesh:
        worker = await mesh.start(AIMESH_MEMORY="false")

        task_id = await worker.submit(simple(1)[0])
        error = await error_of(worker, "agent_name=consumer")
        assert error["category"] == "network_error"
        assert error["is_retryable"]
        assert error["model_name"]
        assert "ollama serve" in error["suggested_fixes"][0]
        assert error["trace_id"] == trace.trace_id(task_id)
        found = await worker.get(f"/api/v1/traces/{error['trace_id']}")
        assert found["trace"]["error_count"] == 1
        # it is told where it happened: in the span of the stage, which goes on
        spans = {span["span_id"]: span for span in found["spans"]}
        assert spans[error["span_id"]]["agent_name"] == "consumer"
        assert spans[error["span_id"]]["status"] == "running"

        await mesh.send([b"no json"])
        error = await error_of(worker, "category=validation_error")
        assert error["operation"] == "dead letter"
        assert "redrive" in error["suggested_fixes"][-1]

        shutil.rmtree(mesh.data / "sandbox")
        solution = {"task_id": "t-1", "task": "one", "attempt": 1, "solution": "print(1)"}
        async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
            topic = mesh.topic("ai_solutions")
            await producer.send_and_wait(topic, orjson.dumps(solution), key=b"t-1")
        error = await error_of(worker, "category=tool_error")
        assert (error["agent_name"], error["tool_name"]) == ("sandbox", "sandbox")
        assert "nothing was run" in error["error_message"]
        assert error["trace_id"] == trace.trace_id("t-1")
