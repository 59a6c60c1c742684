"""`aimesh up` with all that belongs to it: a task's way, a crash of everything, the way on."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.local_mesh import LocalMesh, running_up
from tests.mesh import Mesh, posed, simple
from tests.waiting import until

BURST = 20


async def archived(mesh: LocalMesh, ids: list[str]) -> None:
    await until(lambda: set(ids) <= {row.task_id for row in mesh.rows()}, 120)


@pytest.mark.timeout(400)
async def test_a_crash_of_everything_in_the_middle_of_work_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    async with running_up(tmp_path, AIMESH_PRODUCER_INTERVAL="1") as mesh:
        assert mesh.programs().keys() == {"kafka", "model", "worker"}
        assert mesh.worker.said("REHEARSAL")
        first = await mesh.worker.submit(posed("temperature_span"))
        state = await mesh.worker.reviewed(first)
        assert state["attempts"].keys() == {"1", "2"}
        await archived(mesh, [first])
        ids = await asyncio.gather(*(mesh.worker.submit(text) for text in simple(BURST)))
        await until(lambda: len(mesh.rows()) >= 4, 60)
        await mesh.kill()
        done = len(set(ids) & {row.task_id for row in mesh.rows()})
        assert done < BURST, "all was done before the crash"

    async with running_up(tmp_path, told="again.log", AIMESH_PRODUCER_INTERVAL="86400") as again:
        await archived(again, [first, *ids])
        # the history is there, and what the producer had made comes to its end too
        assert (await again.worker.reviewed(first))["first_at"] == state["first_at"]
        await again.worker.wait("/api/v1/mesh/in-flight", lambda body: body["total"] == 0, 60)
        log = await Mesh(again.kafka, folder=tmp_path, prefix="").read("ai_topic")
        rows = Counter(row.task_id for row in again.rows())
        assert {(message.key or b"").decode() for message in log} == rows.keys()
        assert set(rows.values()) == {1}
        assert await again.interrupt() == 0
