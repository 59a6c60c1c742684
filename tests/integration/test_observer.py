"""The observer's tables are what happened, whatever happens to the worker that keeps them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from aimesh.embedded.rehearsal import Fault
from tests.mesh import Mesh, posed, running_mesh, simple
from tests.worker import Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = "/api/v1/mesh"
# without a producer nothing happens that a test does not ask for
ROLES = "consumer,sandbox,reviewer,persistence,governor,observer,memory"
MENDED, HOPELESS = "temperature_span", "free_hours"


class Told:
    """What a worker tells of the past."""

    def __init__(self, tasks: Any, counts: Any, flying: Any, errors: Any) -> None:
        self.tasks: list[dict[str, Any]] = tasks["tasks"]
        self.flying: dict[str, str] = {t["task_id"]: t["since"] for t in flying["tasks"]}
        # a start has events and warnings of its own
        self.counts = {
            name: number
            for name, number in counts["counts"].items()
            if not name.startswith(("events.", "warnings", "errors"))
        }
        self.errors: dict[str, Any] = errors

    @classmethod
    async def by(cls, worker: Worker) -> Told:
        paths = ("tasks?limit=200", "counts", "in-flight", "errors")
        return cls(*[await worker.get(f"{BASE}/{path}") for path in paths])

    def assert_same(self, other: Told) -> None:
        assert self.counts == other.counts
        assert self.flying == other.flying
        assert [_lasting(task) for task in self.tasks] == [_lasting(task) for task in other.tasks]


def _lasting(task: dict[str, Any]) -> dict[str, Any]:
    """A task without the agents' last words on it, which a restarted job adds to."""
    return {name: task[name] for name in task.keys() - {"events", "updated_at"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A mesh in which tasks ended in every way, and one has not ended."""
    folder = tmp_path_factory.mktemp("observer")
    async with running_mesh(kafka, folder, AIMESH_ROLES=ROLES) as running:
        worker = await running.start()
        texts = [*simple(6), posed(MENDED), posed(HOPELESS)]
        ids = await asyncio.gather(*(worker.submit(text) for text in texts))
        [dead] = await running.send([b'{"task": " "}'])
        for task_id in ids:
            await worker.reviewed(task_id)
        await worker.wait_for_task(dead, lambda task: task["outcome"] == "dead_lettered")
        running.model.faults.add(Fault("status_500", kinds=("solve",)))
        waiting = await worker.submit(simple(1, 50)[0])
        await worker.wait_for_task(waiting, lambda t: "consumer" in t["events"])
        await settled(running, worker)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def before(mesh: Mesh) -> Told:
    return await Told.by(mesh.workers[0])


async def settled(mesh: Mesh, worker: Worker) -> None:
    """Wait until all that is in the topics is in the tables."""
    names = {"solutions": "ai_solutions", "verdicts": "ai_verified_solutions",
             "reviewed": "ai_reviews", "dead_lettered": "ai_dead_letters"}  # fmt: skip
    logged = {name: await mesh.distinct(topic) for name, topic in names.items()}
    await worker.wait(f"{BASE}/counts", lambda body: logged.items() <= body["counts"].items())


def newest(mesh: Mesh) -> Worker:
    return mesh.workers[-1]


async def test_every_outcome_is_told(before: Told) -> None:
    outcomes = [task["outcome"] for task in before.tasks]
    assert sorted(outcomes) == ["dead_lettered", "in_flight", *["reviewed"] * 8]
    assert before.counts["tasks"] == 10
    assert before.counts["passed"] == 7
    assert before.counts["failed"] == 1
    assert before.counts["fix_requests"] == 3
    assert len(before.flying) == 1
    assert before.tasks[0]["outcome"] == "in_flight"


async def test_the_same_is_told_after_a_restart(mesh: Mesh, before: Told) -> None:
    assert await newest(mesh).stop() == 0
    after = await Told.by(await mesh.start())
    after.assert_same(before)


async def test_the_same_is_told_after_the_local_state_was_deleted(mesh: Mesh, before: Told) -> None:
    await newest(mesh).stop()
    shutil.rmtree(mesh.data / "workers")
    after = await Told.by(await mesh.start())
    after.assert_same(before)


async def test_the_same_is_told_after_a_crash(mesh: Mesh, before: Told) -> None:
    await newest(mesh).kill()
    after = await Told.by(await mesh.start())
    after.assert_same(before)


async def test_what_was_in_flight_all_that_time_still_comes_to_its_end(
    mesh: Mesh, before: Told
) -> None:
    worker, [waiting] = newest(mesh), before.flying
    body = await worker.wait("/readyz?verbose", lambda body: body["waiting"])
    assert "ollama" in body["waiting"][0]["reason"]
    mesh.model.faults.clear()
    state = await worker.reviewed(waiting)
    assert state["first_at"] == before.flying[waiting]
    await worker.wait(f"{BASE}/in-flight", lambda body: body["total"] == 0)
    assert mesh.row_counts()[waiting] == 1


async def test_tables_agree_with_the_topics_after_a_crash_in_the_middle_of_work(
    mesh: Mesh,
) -> None:
    bodies = [orjson.dumps({"task": text}) for text in simple(40, 100)]
    ids = await mesh.send(bodies)
    await mesh.archived(ids[:3])
    await newest(mesh).kill()
    worker = await mesh.start()
    await mesh.archived(ids)
    await settled(mesh, worker)
    await worker.wait(f"{BASE}/in-flight", lambda body: body["total"] == 0)
    told = await Told.by(worker)
    assert told.counts["tasks"] == 50
    assert told.counts["reviewed"] == len(mesh.rows()) == 49
    assert len(told.tasks) == 50
    assert set(mesh.row_counts().values()) == {1}
