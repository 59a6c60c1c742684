"""Roles in processes of their own, moved between them, and several processes to a role."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson

from aimesh.embedded.rehearsal import RehearsalServer
from tests.mesh import Mesh, posed, running_mesh, simple
from tests.worker import Worker

STATE = "/api/v1/mesh/state"
DOERS = "consumer,sandbox,reviewer,persistence"


async def runs(mesh: Mesh, *roles: str) -> list[Worker]:
    """Start workers of these roles at once, each with local state of its own."""
    return await asyncio.gather(
        *(mesh.start(AIMESH_ROLES=r, AIMESH_WORKER=f"w{n}") for n, r in enumerate(roles))
    )


async def works_off(mesh: Mesh, first: int) -> list[str]:
    """Send tasks, some of which need a fix, and wait for their rows."""
    texts = [*simple(8, first), posed("print_pages"), posed("merge_shifts")]
    ids = await mesh.send([orjson.dumps({"task": text}) for text in texts])
    await mesh.archived(ids)
    return ids


def done_by(state: dict[str, Any], role: str) -> list[int]:
    """How many jobs each process with a role has done."""
    return [(s["counts"] or {}).get("done", 0) for s in state["stages"] if s["role"] == role]


async def test_roles_may_be_split_over_processes_and_split_otherwise_later(
    kafka: str, tmp_path: Path
) -> None:
    async with running_mesh(kafka, tmp_path) as mesh:
        _, watcher = await runs(
            mesh, "consumer,sandbox,memory", "reviewer,persistence,governor,observer"
        )
        first = await works_off(mesh, 0)
        for task_id in first:
            await watcher.reviewed(task_id)
        await mesh.stop()

        watcher, _ = await runs(
            mesh, "reviewer,governor,observer", "consumer,memory,sandbox,persistence"
        )
        # its history is there too, though none of it is on this process's disk
        assert (await watcher.reviewed(first[0]))["outcome"] == "reviewed"
        second = await works_off(mesh, 100)
        for task_id in second:
            await watcher.reviewed(task_id)
        assert mesh.row_counts() == dict.fromkeys(first + second, 1)
        body = await watcher.wait(STATE, lambda body: len(body["stages"]) >= 5)
        assert {stage["worker"] for stage in body["stages"]}


async def test_two_processes_share_a_role_and_one_takes_over_when_the_other_dies(
    kafka: str, tmp_path: Path
) -> None:
    slow = RehearsalServer(latency=0.1, garbage_every=0)
    async with running_mesh(kafka, tmp_path, slow, AIMESH_MEMORY="false") as mesh:
        watcher, doer, other = await runs(mesh, "governor,observer", DOERS, DOERS)
        await watcher.wait(
            "/api/v1/mesh/lag",
            lambda body: [h["members"] for h in body["hops"] if h["role"] == "consumer"] == [2],
        )
        ids = await mesh.send([orjson.dumps({"task": text}) for text in simple(24)])
        await mesh.archived(ids)
        body = await watcher.wait(STATE, lambda body: sum(done_by(body, "consumer")) == 24)
        assert all(done_by(body, "consumer")), "only one of the two has worked"

        ids += await mesh.send([orjson.dumps({"task": text}) for text in simple(40, 100)])
        await mesh.archived(ids[:30])
        await other.kill()
        await mesh.archived(ids)
        assert mesh.row_counts() == dict.fromkeys(ids, 1)
        assert doer.process.returncode is None
        for task_id in ids[-8:]:
            assert (await watcher.reviewed(task_id))["outcome"] == "reviewed"
