"""What goes wrong in the crew is told as the errors of all agents are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from aimesh.embedded.rehearsal import Fault
from tests.crew import FACT, Listener, listening
from tests.mesh import running_mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crew(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Listener]:
    folder = tmp_path_factory.mktemp("crew")
    async with running_mesh(kafka, folder, AIMESH_ROLES="crew,observer") as mesh:
        await mesh.start()
        async with listening(mesh) as found:
            yield found


async def test_a_model_that_is_away_is_told_and_the_task_is_done_when_it_is_back(
    crew: Listener,
) -> None:
    crew.mesh.model.faults.add(Fault("down", kinds=("check",)))
    task = crew.ask(FACT, "reviewer")
    found = await crew.mesh.workers[-1].wait(
        f"/api/v1/errors?trace_id={task.trace_id}", lambda body: body["errors"]
    )
    [error] = found["errors"]
    assert (error["agent_name"], error["is_retryable"]) == ("reviewer", True)
    assert error["input_data"]["message_id"] == task.message_id
    crew.mesh.model.faults.clear()
    assert (await crew.answer(task)).message_type == "result"


async def test_a_message_that_cannot_be_used_is_told_with_the_way_back(crew: Listener) -> None:
    await crew.send("writer", b"junk")
    found = await crew.mesh.workers[-1].wait(
        "/api/v1/errors?agent_name=writer", lambda body: body["errors"]
    )
    [error] = found["errors"]
    assert (error["operation"], error["category"]) == ("dead letter", "validation_error")
    assert "dead-letters show" in error["suggested_fixes"][-1]
