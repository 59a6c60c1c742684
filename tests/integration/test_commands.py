"""Commands against a running mesh, and against one that nobody works in."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from aimesh import topics
from aimesh.core.text import printable
from tests.commands import AIMESH, FAUST, Told, aimesh, environ
from tests.crafting import CraftedMesh, crafted_mesh
from tests.mesh import Mesh, posed, running_mesh, simple

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRESS = Path(__file__).parents[2] / "scripts" / "stress_test.py"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    async with running_mesh(kafka, tmp_path_factory.mktemp("commands")) as running:
        await running.start()
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def idle(kafka: str, tmp_path: Path) -> AsyncIterator[CraftedMesh]:
    """A mesh without a worker."""
    async with crafted_mesh(kafka, tmp_path) as made:
        yield made


async def run(mesh: Mesh, *args: str, program: tuple[str, ...] = AIMESH) -> Told:
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": mesh.kafka,
        "AIMESH_TOPIC_PREFIX": mesh.prefix,
        "AIMESH_DATA": str(mesh.data),
        "AIMESH_WEB_PORT": mesh.workers[0].url.rpartition(":")[2],
    }
    return await aimesh(*args, env=env, cwd=mesh.folder, program=program)


async def balanced(mesh: Mesh) -> Told:
    """Audit until nothing is in flight; every audit on the way must balance too."""
    async with asyncio.timeout(60):
        while True:
            told = await run(mesh, "audit", "--json")
            found = told.json()
            if not found["in_flight"]:
                return told


async def test_a_submitted_task_is_followed_to_its_review(mesh: Mesh) -> None:
    told = await run(mesh, "submit", "--wait", posed("temperature_span"))
    assert told.code == 0, told
    assert "def temperature_span" in told.out
    assert "passed after" in told.out
    for who in ("consumer: attempt 1", "sandbox: attempt 1", "reviewer: reviewed as passed"):
        assert who in told.err


async def test_the_result_can_be_had_as_json(mesh: Mesh) -> None:
    told = await run(mesh, "submit", "--wait", "--json", *simple(1))
    found = told.json()
    assert told.err == ""
    assert found["outcome"] == "reviewed"
    assert found["success"] is True
    assert "def add_0" in found["solution"]
    assert found["review"]
    seen = await run(mesh, "task", found["task_id"], "--json")
    assert seen.json()["task"]["task_id"] == found["task_id"]


async def test_a_task_is_submitted_and_left_alone_by_both_command_lines(mesh: Mesh) -> None:
    told = await run(mesh, "submit", *simple(1), program=FAUST)
    task_id = told.out.split()[-1]
    assert task_id in told.err
    await mesh.archived([task_id])
    told = await run(mesh, "tasks", "--outcome", "reviewed")
    assert task_id in told.out


async def test_a_burst_goes_down_and_the_audit_balances(mesh: Mesh) -> None:
    told = await run(mesh, "stress", "-n", "30", "--bare", "--json")
    found = told.json()
    assert found["sent"] == 30
    assert found["peak_lag"] > 10
    assert found["throttled_after_s"] < found["active_after_s"]
    assert found["drained_after_s"] <= found["active_after_s"]
    assert found["state"] == "ACTIVE"
    balance = (await balanced(mesh)).json()
    assert balance["balanced"]
    assert balance["tasks_in"] == balance["reviewed"] == balance["rows"] >= 30


async def test_the_script_of_outside_users_feeds_the_mesh(mesh: Mesh) -> None:
    before = len(await mesh.read(topics.TASKS))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(STRESS), "-n", "7", "--bootstrap", mesh.kafka,
        "--topic", mesh.topic(topics.TASKS), env=environ(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.startswith(b"sent 7 tasks")
    messages = [m for m in await mesh.read(topics.TASKS) if not m.key and not m.headers]
    assert len(await mesh.read(topics.TASKS)) >= before + 7
    assert [json.loads(m.value).keys() for m in messages[-7:]] == [{"task"}] * 7


async def test_fausts_own_send_feeds_the_mesh_too(mesh: Mesh) -> None:
    text = simple(1)[0]
    told = await run(mesh, "send", mesh.topic(topics.TASKS), json.dumps({"task": text}))
    assert told.code == 0, told
    values = [json.loads(m.value) for m in await mesh.read(topics.TASKS)]
    assert {"task": text} in values


async def test_what_keeps_a_worker_from_starting_is_told_in_one_line(mesh: Mesh) -> None:
    worker = await mesh.start(wait=False, AIMESH_PARTITIONS="3", AIMESH_WORKER="other")
    assert await asyncio.wait_for(worker.process.wait(), 60) == 1
    assert worker.said("set AIMESH_PARTITIONS=4")
    assert not worker.said("Traceback")


# -- where nobody works


async def test_waiting_can_be_limited_and_leaves_the_task(idle: CraftedMesh) -> None:
    told = await aimesh(
        "submit", "--wait", "--timeout", "0.5", "Add.", env=idle.env, cwd=idle.folder
    )
    assert "goes on by itself" in told.failed(1)
    assert len(await idle.read(topics.TASKS)) == 1


async def test_ctrl_c_ends_the_waiting_and_leaves_the_task(idle: CraftedMesh) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *AIMESH, "submit", "--wait", "Add.", env=environ(**idle.env),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    async with asyncio.timeout(30):
        told = await process.stderr.readuntil(b"asked by submit\n")
        process.send_signal(signal.SIGINT)
        rest = await process.stderr.read()
        await process.wait()
    assert process.returncode == 130
    assert b"aimesh task s-" in rest
    assert b"Traceback" not in told + rest
    assert len(await idle.read(topics.TASKS)) == 1


async def test_a_burst_that_nobody_takes_ends_with_1(idle: CraftedMesh) -> None:
    told = await aimesh(
        "stress", "-n", "5", "--timeout", "1", "--json", env=idle.env, cwd=idle.folder
    )
    assert told.failed(1)
    found = json.loads(told.out)
    assert (found["sent"], found["lag"], found["drained_after_s"]) == (5, 5, None)


async def test_a_burst_can_be_sent_without_following_it(idle: CraftedMesh) -> None:
    told = await aimesh("stress", "-n", "5", "--no-follow", env=idle.env, cwd=idle.folder)
    assert told.code == 0
    values = [json.loads(m.value) for m in await idle.read(topics.TASKS)]
    assert {value["source"] for value in values} == {"stress"}
    assert len({value["task_id"] for value in values}) == 5
    assert len({value["task"] for value in values}) == 5


async def test_a_dead_letter_ends_the_waiting(idle: CraftedMesh) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *AIMESH, "submit", "--wait", "Add.", env=environ(**idle.env),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    async with asyncio.timeout(30):
        await process.stderr.readuntil(b"asked by submit\n")
        [task] = await idle.read(topics.TASKS)
        place = await idle.send(topics.SOLUTIONS, {"task_id": task.key.decode(), "task": "Add."})
        key = task.key.decode()
        await idle.bury(place, b"{}", key=key, kind="ValueError", role="sandbox")
        _, told = await process.communicate()
    assert process.returncode == 1
    assert "dead letter: it could not be" in printable(told.decode())
