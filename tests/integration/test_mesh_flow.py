"""A task's whole way through a running mesh, on a real Kafka, from whomever it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from aimesh import dead_letters
from aimesh.core import trace
from aimesh.embedded.rehearsal import Fault
from tests.mesh import Mesh, posed, running_mesh, simple
from tests.worker import Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATE = "/api/v1/mesh/state"
WAY = ("ai_topic", "ai_solutions", "ai_verified_solutions", "ai_reviews")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    folder = tmp_path_factory.mktemp("flow")
    async with running_mesh(kafka, folder, AIMESH_SANDBOX_TIMEOUT="5") as running:
        await running.start()
        yield running


@pytest.fixture
def worker(mesh: Mesh) -> Worker:
    return mesh.workers[0]


async def test_a_submitted_task_goes_through_all_stages_to_exactly_one_row(
    mesh: Mesh, worker: Worker
) -> None:
    task_id = await worker.submit(posed("longest_surname"))
    await mesh.archived([task_id])
    state = await worker.reviewed(task_id)
    assert state["source"] == "submit"
    assert state["attempts"].keys() == {"1"}
    assert state["attempts"]["1"].keys() == {"asked", "solution", "verdict"}
    [row] = [row for row in mesh.rows() if row.task_id == task_id]
    assert row.success
    assert row.attempts == 1
    assert row.task == posed("longest_surname")
    assert "def longest_surname" in row.solution
    assert "longest_surname(" in row.exec_output
    assert row.review
    assert row.model == "gemma3:1b"


async def test_every_message_of_a_task_has_its_key_and_one_trace(
    mesh: Mesh, worker: Worker
) -> None:
    task_id = await worker.submit(posed("temperature_span"))
    await mesh.archived([task_id])
    traces = set()
    for topic in WAY:
        own = [m for m in await mesh.read(topic) if orjson.loads(m.value)["task_id"] == task_id]
        assert len(own) == (1 if topic == "ai_reviews" else 2)  # its first try fails
        for message in own:
            assert message.key == task_id.encode()
            headers = {name: value.decode() for name, value in message.headers}
            if not headers:
                continue  # what a client has sent
            assert headers["content-type"] == "application/json"
            assert headers["ce_specversion"] == "1.0"
            assert headers["ce_type"].endswith(topic)
            assert headers["ce_source"].startswith("/")
            assert headers["ce_id"]
            assert headers["ce_time"]
            parsed = trace.parse_traceparent(headers["traceparent"])
            assert parsed
            traces.add(parsed[0])
    assert len(traces) == 1


async def test_a_bare_task_from_any_client_on_any_partition_gets_the_same_treatment(
    mesh: Mesh, worker: Worker
) -> None:
    bodies = [{"task": text} for text in simple(4)]
    extra: list[dict[str, Any]] = [{"task": simple(1, 9)[0], "priority": 3, "by": ["me"]}]
    ids = await mesh.send([orjson.dumps(body) for body in bodies + extra])
    assert len({i.rpartition("-")[0] for i in ids}) == 4  # partitions
    rows = {row.task_id: row for row in await mesh.archived(ids)}
    for task_id, body in zip(ids, bodies + extra, strict=True):
        assert rows[task_id].task == body["task"]
        assert rows[task_id].success
        state = await worker.reviewed(task_id)
        assert (state["outcome"], state["task"]) == ("reviewed", body["task"])


async def test_what_is_no_task_becomes_a_dead_letter_and_the_partition_goes_on(
    mesh: Mesh, worker: Worker
) -> None:
    bad = [b"\xff\xfenot json", b'{"task": ""}', b'{"task": 5}', b"[]", b"", b'{"text": "x"}']
    bad.append(orjson.dumps({"task": "x" * (33 << 10)}))
    good = [orjson.dumps({"task": text}) for text in simple(4, 20)]
    ids = await mesh.send([*bad, *bad, *good])
    await mesh.archived(ids[-4:])
    letters = {}
    for message in await mesh.read("ai_dead_letters"):
        headers = {name: value.decode() for name, value in message.headers}
        place = [headers[dead_letters.PREFIX + f"original-{n}"] for n in ("partition", "offset")]
        letters[tuple(place)] = (message.value, headers)
    for task_id, value in zip(ids[:-4], [*bad, *bad], strict=True):
        _, partition, offset = task_id.rsplit("-", 2)
        kept, headers = letters[partition, offset]
        assert kept == value
        assert headers[dead_letters.PREFIX + "original-topic"] == mesh.topic("ai_topic")
        assert headers[dead_letters.PREFIX + "exception-message"]
        assert headers["replay_count"] == "0"
    state = await worker.wait_for_task(ids[1], lambda task: task["outcome"] == "dead_lettered")
    assert "no text" in state["dead"]["error"]
    for task_id in ids[:-4]:
        await worker.wait_for_task(task_id, lambda task: task["outcome"] == "dead_lettered")
    assert not (await worker.get("/readyz?verbose"))["waiting"]


async def test_a_failed_try_is_mended_with_its_feedback(mesh: Mesh, worker: Worker) -> None:
    failing = await worker.submit(posed("print_pages"))
    await mesh.archived([failing])
    [row] = [row for row in mesh.rows() if row.task_id == failing]
    assert row.success
    assert row.attempts > 1
    requests = [m for m in await mesh.messages_of("ai_topic", failing) if m["attempt"] > 1]
    assert [m["source"] for m in requests] == ["sandbox"] * (row.attempts - 1)
    assert requests[0]["feedback"]["code"]
    assert requests[0]["feedback"]["error"]
    state = await worker.reviewed(failing)
    assert state["attempts"]["1"]["verdict"]["success"] is False
    assert state["attempts"][str(row.attempts)]["verdict"]["success"] is True


async def test_a_task_that_cannot_be_solved_is_reviewed_after_its_last_attempt(
    mesh: Mesh, worker: Worker
) -> None:
    task_id = await worker.submit(posed("free_hours"))
    await mesh.archived([task_id])
    [row] = [row for row in mesh.rows() if row.task_id == task_id]
    assert not row.success
    assert row.attempts == 3
    assert row.review
    assert len(await mesh.messages_of("ai_verified_solutions", task_id)) == 3


async def test_a_task_that_is_delivered_again_is_absorbed(mesh: Mesh, worker: Worker) -> None:
    task = orjson.dumps({"task": simple(1, 40)[0], "task_id": "again"})
    await mesh.send([task])
    await mesh.archived(["again"])
    asked, absorbed = mesh.model.kinds["solve"], absorbed_by_consumer(await worker.get(STATE))
    await mesh.send([task])
    await worker.wait(STATE, lambda body: absorbed_by_consumer(body) == absorbed + 1)
    assert mesh.model.kinds["solve"] == asked
    # on other partitions it is solved again, which the next stage absorbs
    await mesh.send([task] * 4)
    await worker.wait(STATE, lambda body: absorbed_by_consumer(body) > absorbed + 1)
    await mesh.archived(await mesh.send([orjson.dumps({"task": t}) for t in simple(4, 50)]))
    assert mesh.row_counts()["again"] == 1


async def test_no_task_is_lost_or_doubled_when_the_model_fails_now_and_then(
    mesh: Mesh, worker: Worker
) -> None:
    for name in ("status_500", "cut", "busy", "empty"):
        mesh.model.faults.add(Fault(name, count=3))
    ids = await asyncio.gather(*(worker.submit(text) for text in simple(10, 60)))
    await mesh.archived(ids)
    assert all(mesh.row_counts()[task_id] == 1 for task_id in ids)
    assert mesh.model.faults.active == ()


async def test_rows_and_outcomes_agree_in_the_end(mesh: Mesh, worker: Worker) -> None:
    await worker.wait("/api/v1/mesh/in-flight", lambda body: body["total"] == 0)
    rows = mesh.row_counts()
    assert set(rows.values()) == {1}
    logged = {
        name: await mesh.distinct(topic)
        for name, topic in zip(("solutions", "verdicts", "reviewed"), WAY[1:], strict=True)
    }
    # the observer reads every topic by itself, so this comes in any order
    body = await worker.wait(
        "/api/v1/mesh/counts", lambda body: logged.items() <= body["counts"].items()
    )
    counts = body["counts"]
    assert counts["reviewed"] == len(rows)
    assert counts["passed"] + counts["failed"] == len(rows)


def absorbed_by_consumer(state: dict[str, Any]) -> int:
    stages = [stage for stage in state["stages"] if stage["role"] == "consumer"]
    return sum((stage.get("counts") or {}).get("absorbed", 0) for stage in stages)
