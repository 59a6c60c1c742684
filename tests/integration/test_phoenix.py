"""Traces reach a real Phoenix, where `scripts/phoenix_for_tests.sh` has installed one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aimesh.core import trace
from aimesh.embedded.ports import free_port
from aimesh.services.otlp import Otlp, OtlpSettings
from aimesh.tables.telemetry.tables import Keep
from tests.functional.test_claude_views import Telemetry
from tests.functional.test_exporting import TRACE, exporter, mesh_task
from tests.programs import installed
from tests.telemetry import Disk

BUILT = "aimesh/phoenix-20.26.1/bin/phoenix"
SCRIPT = "scripts/phoenix_for_tests.sh"


@pytest.fixture
async def phoenix(tmp_path: Path) -> AsyncIterator[str]:
    """Where a Phoenix of its own can be reached."""
    program, port = installed("phoenix", BUILT, SCRIPT), free_port()
    own = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_WORKING_DIR": str(tmp_path),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "serve", env=inherited | own, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        await _answers(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str) -> None:
    async with asyncio.timeout(90), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)


async def _spans(url: str, number: int) -> list[dict[str, Any]]:
    """Wait until so many spans can be seen."""
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as client:
        while True:
            answer = await client.get(f"{url}/v1/projects/default/spans", params={"limit": 100})
            found: list[dict[str, Any]] = answer.json().get("data") or []
            if len(found) >= number:
                return found
            await asyncio.sleep(0.2)


async def test_a_task_is_seen_with_its_parents_and_kinds(phoenix: str, tmp_path: Path) -> None:
    telemetry = Telemetry(Disk().tables(Keep()))
    telemetry.tell("event", *mesh_task())
    door = Otlp(OtlpSettings(endpoint=f"{phoenix}/v1/traces"))
    number = exporter(telemetry, door, tmp_path).export(telemetry.tables, TRACE)
    assert await door.flush() == number > 5
    await door.stop()
    spans = {span["context"]["span_id"]: span for span in await _spans(phoenix, number)}
    assert len(spans) == number
    assert {span["context"]["trace_id"] for span in spans.values()} == {TRACE}
    root = spans.pop(trace.span_id("t1"))
    assert root["parent_id"] is None
    for span in spans.values():
        assert span["parent_id"] in {*spans, trace.span_id("t1")}
    kinds = {span["name"]: span["span_kind"] for span in spans.values()}
    assert kinds["chat gemma3:1b"] == "LLM"
    assert kinds["execute_tool sandbox"] == "TOOL"
    assert kinds["invoke_agent consumer"] == "AGENT"
