"""Every request with curl that the documentation shows works as it stands there."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from aimesh.telemetry import Telemetry
from tests.mesh import running_mesh

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "http://127.0.0.1:6066"
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
# curl's code for a time that is over, as it always is with a stream
TIME_IS_OVER = 28


def documented() -> list[tuple[str, str]]:
    """Return all commands with curl, each with the page that shows it."""
    return [
        (page.name, line.strip())
        for page in PAGES
        for block in FENCED.findall(page.read_text())
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip().startswith("curl ")
    ]


async def run(command: str, url: str, seconds: int) -> tuple[int, bytes, bytes]:
    """Run a command at another address; return its code and what it tells."""
    curl = f"curl --fail-with-body --max-time {seconds}"
    text = command.replace(ADDRESS, url).replace("curl", curl, 1)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", text, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, problem = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told, problem


def test_the_documentation_shows_requests() -> None:
    pages = [page for page, _ in documented()]
    assert pages.count("README.md") >= 10
    assert all(ADDRESS in command for _, command in documented())


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
async def test_every_documented_request_is_answered(kafka: str, tmp_path: Path) -> None:
    async with running_mesh(kafka, tmp_path, AIMESH_ROLES="consumer,observer") as mesh:
        worker = await mesh.start(AIMESH_MEMORY="false")
        async with Telemetry(kafka, agent="planner", prefix=mesh.prefix) as telemetry:
            telemetry.send_to_agent("writer", {"text": "an outline"}, reason="it is planned")
            telemetry.record_error("a fact was missing")
            assert await telemetry.flush(30)
        await worker.wait("/api/v1/queues", lambda body: body["queues"])
        await worker.wait("/api/v1/errors/summary", lambda body: body["total_errors"])
        for page, command in documented():
            is_stream = "/stream" in command
            code, told, problem = await run(command, worker.url, 3 if is_stream else 20)
            expected = TIME_IS_OVER if is_stream else 0
            assert (code, bool(told)) == (expected, True), (page, command, told, problem)
