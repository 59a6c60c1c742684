"""Faults in a running mesh: the diagnosis puts their cause first, and says healthy in between.

One mesh bears all of them, one after the other; those that leave something behind come last.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aimesh.core.diagnosis.prompting import tokens
from aimesh.embedded.rehearsal import Fault
from tests.disks import small_disk
from tests.limiting_gateway import LimitingGateway
from tests.mesh import Mesh, running_mesh, simple
from tests.qdrant_server import QdrantServer, qdrant_server, refused
from tests.worker import Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIAGNOSE = "/api/v1/claude/diagnose?time_window_minutes=1"
MAIN = "producer,sandbox,memory,persistence,governor,observer"
MODEL_CALLS = ("brainstorm", "solve", "fix", "review")
WAIT = 60.0


@dataclass
class Site:
    """A mesh of two workers, with everything that it depends on."""

    mesh: Mesh
    gateway: LimitingGateway
    qdrant: QdrantServer
    tasks: int = 0

    @property
    def worker(self) -> Worker:
        """The worker that answers; the other one asks the model."""
        return self.mesh.workers[0]

    async def submit(self, number: int = 1) -> list[str]:
        """Submit tasks that pass at once."""
        self.tasks += number
        texts = simple(number, self.tasks - number)
        return [await self.worker.submit(text) for text in texts]

    async def first(self, kind: str, component: str = "", severity: str = "") -> dict[str, Any]:
        """Wait until a cause comes first; hold the other formats to it, and return it."""
        wanted = {"kind": kind, "component": component, "severity": severity}
        body = await self.worker.wait(DIAGNOSE, lambda b: _leads(b, wanted), WAIT)
        item: dict[str, Any] = body["issues"]["items"][0]
        assert body["metadata"]["system_status"] in ("degraded", "critical")
        assert item["is_cause"]
        assert item["count"] >= 1
        assert item["first_seen"] <= item["last_seen"]
        assert item["suggested_actions"]
        await self._agree(item)
        return item

    async def _agree(self, item: dict[str, Any]) -> None:
        """All formats are of different moments: wait until each leads with the same cause."""
        summary = await self.worker.wait(
            f"{DIAGNOSE}&format=summary", lambda b: b["first_cause"] == item["id"]
        )
        assert summary["suggested_actions"][0]["related_issue_id"] == item["id"]
        names = (item["component"], item["title"].split(":")[0])
        for budget in (150, 600):
            told = await self.worker.wait(
                f"{DIAGNOSE}&format=prompt&budget_tokens={budget}",
                lambda b: any(name in _first_line(b["content"]) for name in names),
            )
            assert tokens(told["content"]) <= budget

    async def healthy(self) -> None:
        """Wait until nothing is wrong any more, in any format."""
        body = await self.worker.wait(DIAGNOSE, _is_healthy, 90)
        # an outage that is over is still told of
        assert all(item["severity"] == "info" for item in body["issues"]["items"])
        await self.worker.wait(
            f"{DIAGNOSE}&format=prompt", lambda b: "AI-Mesh is healthy" in b["content"]
        )
        await self.worker.wait(
            f"{DIAGNOSE}&format=summary", lambda b: b["system_status"] == "healthy"
        )
        valid = await self.worker.get("/api/v1/oracle/validate")
        assert valid["valid"], valid["errors"]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have the worker that asks the model do nothing while the body runs."""
        pid = self.mesh.workers[1].process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


def _is_healthy(body: dict[str, Any]) -> bool:
    return bool(body["metadata"]["system_status"] == "healthy")


def _open_jobs(state: dict[str, Any], role: str) -> int:
    """How many jobs of a role are open, as the mesh tells of itself."""
    return sum(stage["open"] for stage in state["stages"] if stage["role"] == role)


def _first_line(content: str) -> str:
    """Return the line of a text that tells of the first cause."""
    return next((line for line in content.splitlines() if line.startswith("1. CAUSE [")), "")


def _explains(body: dict[str, Any], component: str) -> bool:
    """Tell whether the first cause explains all that is said of a component.

    Others may be told of beside it: what is over is told of for as long as the window goes back.
    """
    first, *others = body["issues"]["items"]
    told = {item["id"] for item in others if item["component"] == component}
    return bool(told) and told <= set(first["explains"])


def _leads(body: dict[str, Any], wanted: dict[str, str]) -> bool:
    first: dict[str, Any] = next(iter(body["issues"]["items"]), {})
    return all(value in ("", first.get(name)) for name, value in wanted.items())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("diagnosis")
    async with (
        qdrant_server() as qdrant,
        running_mesh(kafka, folder, AIMESH_LLM_TIMEOUT="20", AIMESH_SANDBOX_TIMEOUT="4") as mesh,
        LimitingGateway(mesh.model.url).serving() as gateway,
    ):
        mesh.environ |= {"OLLAMA_BASE_URL": gateway.url, "QDRANT_URL": qdrant.url}
        await mesh.start(AIMESH_ROLES=MAIN, AIMESH_WORKER="main")
        await mesh.start(AIMESH_ROLES="consumer,reviewer", AIMESH_WORKER="asking")
        yield Site(mesh, gateway, qdrant)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _no_fault_is_left(site: Site) -> AsyncIterator[None]:
    yield
    site.mesh.model.faults.clear()
    site.gateway.limited = False
    site.qdrant.fault = None


async def test_a_mesh_at_work_is_healthy(site: Site) -> None:
    ids = await site.submit(4)
    await site.mesh.archived(ids)
    await site.healthy()


async def test_a_model_server_that_is_down_comes_first(site: Site) -> None:
    site.mesh.model.faults.add(Fault("down"))
    ids = await site.submit(3)
    found = await site.first("service_unreachable", "ollama", "critical")
    assert "consumer" in found["affected_agents"]
    site.mesh.model.faults.clear()
    await site.mesh.archived(ids)
    await site.healthy()


async def test_a_missing_model_comes_first_with_the_command_that_fetches_it(site: Site) -> None:
    site.mesh.model.faults.add(Fault("missing", kinds=MODEL_CALLS))
    ids = await site.submit(2)
    found = await site.first("service_model_missing", "ollama")
    assert found["next_command"] == "ollama pull gemma3:1b"
    site.mesh.model.faults.clear()
    await site.mesh.archived(ids)
    await site.healthy()


async def test_a_gateway_that_limits_the_rate_comes_first(site: Site) -> None:
    site.gateway.limited = True
    ids = await site.submit(2)
    found = await site.first("service_rate_limited", "ollama")
    assert "rate limit" in found["sample"]
    limits = await site.worker.get("/api/v1/claude/rate-limits")
    assert limits["any_limited"]
    site.gateway.limited = False
    await site.mesh.archived(ids)
    await site.healthy()


async def test_a_memory_that_is_down_comes_first_and_stops_nothing(site: Site) -> None:
    async def fault(_: Any) -> Any:
        return refused(500, "Service internal error: disk I/O")

    site.qdrant.fault = fault
    ids = await site.submit(2)
    await site.first("service_failing", "memory", "error")
    await site.mesh.archived(ids)
    site.qdrant.fault = None
    await site.healthy()


async def test_a_consumer_that_is_stuck_comes_before_the_lag_that_it_leaves(site: Site) -> None:
    with site.stopped():
        ids = await site.submit(5)
        found = await site.first("worker_silent", "consumer", "critical")
        assert found["metadata"]["lag"] >= 5
    await site.mesh.archived(ids)
    await site.healthy()


async def test_a_stage_that_stalls_over_open_jobs_comes_first(site: Site) -> None:
    # what it tells of itself is some moments old
    await site.worker.wait("/api/v1/mesh/state", lambda b: _open_jobs(b, "consumer") == 0)
    site.mesh.model.faults.add(Fault("hang", kinds=("solve",), count=1))
    ids = await site.submit(1)
    await site.worker.wait("/api/v1/mesh/state", lambda b: _open_jobs(b, "consumer") == 1)
    with site.stopped():
        found = await site.first("worker_silent", "consumer")
        assert found["metadata"]["open_jobs"] == 1
    await site.mesh.archived(ids, 90)
    await site.healthy()


def _fill(path: Path) -> None:
    """Write to a file until there is no room left."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


async def test_a_full_disk_comes_first(site: Site, tmp_path: Path) -> None:
    history, disk = site.mesh.data / "ai_history.csv", tmp_path / "disk"
    with small_disk(disk, "1m"):
        shutil.move(history, disk / "history")
        history.symlink_to(disk / "history")
        _fill(disk / "filler")
        # more than the archive's last block has room for
        ids = await site.submit(12)
        await site.first("disk_full", "disk", "critical")
        # the archive waits for it, and that is no cause of its own
        await site.worker.wait(DIAGNOSE, lambda body: _explains(body, "archive"))
        (disk / "filler").unlink()
        await site.mesh.archived(ids)
        history.unlink()
        shutil.move(disk / "history", history)
    await site.healthy()


async def test_a_model_that_becomes_slow_comes_first(site: Site) -> None:
    site.mesh.model.faults.add(Fault("slow", seconds=3.0, kinds=MODEL_CALLS))
    ids = await site.submit(6)
    found = await site.first("slow_model", "gemma3:1b")
    assert found["metadata"]["now_s"] > 1 > found["metadata"]["before_s"]
    slow = await site.worker.get("/api/v1/claude/slow-traces?threshold_ms=2500&limit=50")
    own = [trace["bottleneck"] for trace in slow["traces"] if trace["task_id"] in ids]
    assert any(found["name"] == "chat gemma3:1b" for found in own)
    site.mesh.model.faults.clear()
    await site.mesh.archived(ids)


async def test_code_that_goes_in_circles_comes_first(site: Site) -> None:
    # however much went well before
    await site.mesh.archived(await site.submit(20))
    site.mesh.model.faults.add(Fault("gibberish", kinds=("solve", "fix")))
    ids = await site.submit(3)
    found = await site.first("code_loop", "model")
    assert set(found["metadata"]["tasks"]) <= set(ids)
    assert found["next_command"].startswith("aimesh task ")
    site.mesh.model.faults.clear()
    await site.mesh.archived(ids)


async def test_a_poison_message_comes_first_with_its_place_in_the_log(site: Site) -> None:
    [place] = await site.mesh.send([b"\xff not JSON"])
    topic, partition, offset = place.removeprefix("x-").rsplit("-", 2)
    found = await site.first("poison_message")
    assert f"{topic}/{partition}/{offset}" in found["evidence"]
    assert found["next_command"] == "aimesh dead-letters list"
    groups = await site.worker.get("/api/v1/claude/errors?time_window_minutes=1")
    assert any(g["source"] == "dead_letter" for g in groups["errors"])
    actions = await site.worker.get("/api/v1/claude/actions?time_window_minutes=1")
    assert actions["total_actions"] == len(actions["actions"]) > 0
