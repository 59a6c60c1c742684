"""Services that are not there: waited for with a reason that everybody sees, in any order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from aimesh.embedded.ports import free_port
from aimesh.embedded.rehearsal import Fault, RehearsalServer
from tests.mesh import running_mesh, simple
from tests.qdrant_server import qdrant_server
from tests.waiting import until

STATE = "/api/v1/mesh/state"


def of_services(state: dict[str, Any]) -> tuple[Any, Any]:
    """What the state says of the model and of the memory."""
    return state["model"], state["memory"]


def kinds_in(engine: QdrantClient) -> set[str]:
    """Return the kinds of memories that a store has."""
    found = set()
    for collection in engine.get_collections().collections:
        points, _ = engine.scroll(collection.name, with_payload=True)
        found |= {point.payload["kind"] for point in points if point.payload}
    return found


async def test_model_and_memory_may_come_after_the_work(kafka: str, tmp_path: Path) -> None:
    port, store = free_port(), free_port()
    async with running_mesh(kafka, tmp_path, QDRANT_URL=f"http://127.0.0.1:{store}") as mesh:
        worker = await mesh.start(OLLAMA_BASE_URL=f"http://127.0.0.1:{port}")
        task_id = await worker.submit(simple(1)[0])

        # nothing is there: the task waits, and everybody can see for what
        state = await worker.wait(STATE, lambda body: (body["model"] or {}).get("ok") is False)
        model, _ = of_services(state)
        assert f"127.0.0.1:{port}" in model["reason"]
        assert "ollama serve" in model["remedy"]
        assert model["since"] <= state["as_of"]
        body = await worker.wait("/readyz?verbose", lambda body: body["waiting"])
        assert body["ready"]
        assert any("ollama" in item["reason"] and item["since"] for item in body["waiting"])
        await worker.wait(
            STATE, lambda body: any("ollama" in stage["waiting"] for stage in body["stages"])
        )
        assert worker.said("ollama is off")
        assert mesh.rows() == []

        # the model comes: the work is done without a memory, which says so and since when
        async with RehearsalServer(port=port, garbage_every=0):
            await mesh.archived([task_id])
            state = await worker.wait(STATE, lambda body: body["model"]["rehearsal"])
            model, memory = of_services(state)
            assert model["ok"]
            assert memory["on"] is False
            assert memory["reason"]
            assert memory["since"] <= state["as_of"]

            # the memory comes: what was to be remembered meanwhile is remembered now
            async with qdrant_server(store) as qdrant:
                state = await worker.wait(STATE, lambda body: body["memory"]["on"], limit=60)
                assert of_services(state)[1]["since"] > memory["since"]
                # a moment after the memory is seen to be there
                await until(lambda: "pattern" in kinds_in(qdrant.engine))
        assert mesh.row_counts()[task_id] == 1


async def test_a_memory_that_is_switched_off_is_off_in_every_view(
    kafka: str, tmp_path: Path
) -> None:
    async with running_mesh(kafka, tmp_path, AIMESH_MEMORY="false") as mesh:
        worker = await mesh.start()
        task_id = await worker.submit(simple(1)[0])
        await mesh.archived([task_id])
        state = await worker.wait(STATE, lambda body: body["memory"])
        assert state["memory"]["on"] is False
        assert "switched off" in state["memory"]["reason"]
        assert state["memory"]["since"]
        # nor is anything asked that only a memory needs
        assert mesh.model.kinds["embed"] == 0

        # and a model that goes away in the middle of work is waited for like one that is late
        mesh.model.faults.add(Fault("down"))
        waiting = await worker.submit(simple(1, 1)[0])
        await worker.wait("/readyz?verbose", lambda body: body["waiting"])
        mesh.model.faults.clear()
        await mesh.archived([waiting])
        await worker.wait("/readyz?verbose", lambda body: not body["waiting"])
