"""A model server with every fault there is: each task ends in its outcome, whatever is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.embedded.rehearsal.faults import NAMES, Fault
from aimesh.services.audit import audit
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from tests.kafka import running_kafka
from tests.mesh import running_mesh, simple

KINDS = ("solve", "review")


@pytest.mark.timeout(400)
async def test_every_task_ends_whatever_the_model_server_does(tmp_path: Path) -> None:
    model = RehearsalServer(garbage_every=0)
    environ = {"AIMESH_LLM_TIMEOUT": "3", "AIMESH_MEMORY": "false"}
    async with (
        running_kafka(tmp_path / "kafka") as kafka,
        running_mesh(kafka.bootstrap, tmp_path, model, **environ) as mesh,
    ):
        worker = await mesh.start()
        ids: list[str] = []
        for number, name in enumerate(NAMES):
            # one that is looked for lasts until it was seen
            count = None if name == "missing" else 1
            for kind in KINDS:
                # embeddings and looks at the server are left alone: they hold no task up
                model.faults.add(Fault(name, count=count, kinds=(kind,), seconds=4.0))
            ids.append(await worker.submit(simple(1, number)[0]))
            if name == "missing":
                await worker.wait("/api/v1/mesh/state", lambda state: "pull" in str(state["model"]))
                model.faults.clear()
            rows = {row.task_id: row for row in await mesh.archived(ids)}
            assert rows[ids[-1]].success or name in ("empty", "huge", "gibberish"), name
            model.faults.clear()
        settings = Settings.from_env(
            {"AIMESH_TOPIC_PREFIX": mesh.prefix, "AIMESH_DATA": str(mesh.data)}
        )
        found = await audit(Brokers(kafka.bootstrap), settings, archive=settings.history)
        assert found.report.balanced, found.report
        assert mesh.row_counts().keys() >= set(ids)
