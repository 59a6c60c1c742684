"""The audit on a real Kafka: topics, committed offsets, open jobs and the archive in balance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from aimesh import topics
from aimesh.core.balance import Report
from aimesh.core.epochs import Epoch
from aimesh.errors import UnavailableError
from aimesh.services.audit import audit
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from tests.commands import Told, invoke
from tests.crafting import CraftedMesh, crafted_mesh

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(kafka: str, tmp_path: Path) -> AsyncIterator[CraftedMesh]:
    async with crafted_mesh(kafka, tmp_path) as made:
        yield made


async def report_of(mesh: CraftedMesh, archive: Path | None = None) -> Report:
    found = await audit(mesh.brokers, mesh.settings, archive=archive or mesh.settings.history)
    return found.report


def counts(report: Report) -> tuple[int, int, int, int, int | None]:
    return (
        report.tasks_in, report.reviewed, report.dead_lettered, report.in_flight, report.rows
    )  # fmt: skip


async def test_an_empty_mesh_balances(mesh: CraftedMesh) -> None:
    report = await report_of(mesh)
    assert report.balanced
    assert counts(report) == (0, 0, 0, 0, 0)


async def test_a_mesh_that_has_done_its_work_balances(mesh: CraftedMesh) -> None:
    for number in range(10):
        await mesh.way(f"t{number}")
    await mesh.commit_all()
    await mesh.archive(*(f"t{number}" for number in range(10)))
    found = await audit(mesh.brokers, mesh.settings, archive=mesh.settings.history)
    assert found.report.balanced
    assert counts(found.report) == (10, 10, 0, 0, 10)
    assert sum(found.read_up_to[mesh.topic(topics.TASKS)].values()) == 10


async def test_what_no_group_has_committed_is_in_flight(mesh: CraftedMesh) -> None:
    await mesh.way("a", topics.TASKS)
    await mesh.send(topics.TASKS, {"task": "a bare one"})
    await mesh.send(topics.TASKS, b"\xff not JSON")
    await mesh.way("b", topics.VERDICTS)
    await mesh.way("c")
    report = await report_of(mesh)
    assert report.balanced
    assert counts(report) == (5, 0, 0, 5, 0)
    assert report.in_flight_at == {"consumer": 3, "reviewer": 1, "persistence": 1}


async def test_open_jobs_are_in_flight_and_closed_ones_without_an_output_lost(
    mesh: CraftedMesh,
) -> None:
    for task_id in ("open", "closed"):
        await mesh.way(task_id, topics.SOLUTIONS)
    await mesh.way("unwritten")
    await mesh.commit_all()
    await mesh.open_job("sandbox", "open#1")
    await mesh.open_job("sandbox", "closed#1", closed=True)
    await mesh.open_job("persistence", "unwritten#1")
    report = await report_of(mesh)
    assert [(p.task_id, p.kind) for p in report.problems] == [("closed", "lost")]
    assert counts(report) == (3, 0, 0, 2, 0)
    assert report.in_flight_at == {"sandbox": 1, "persistence": 1}


async def test_what_a_former_owner_wrote_late_opens_and_closes_no_job(mesh: CraftedMesh) -> None:
    former, owner = Epoch(1, b"worker A"), Epoch(2, b"worker B")
    for task_id in ("closed", "open"):
        await mesh.way(task_id, topics.SOLUTIONS)
    await mesh.commit_all()
    await mesh.open_job("sandbox", "closed#1", closed=True, epoch=owner)
    await mesh.open_job("sandbox", "open#1", closed=True, epoch=former)
    await mesh.open_job("sandbox", "open#1", epoch=owner)
    await mesh.open_job("sandbox", "open#1", closed=True, epoch=former)
    await mesh.open_job("sandbox", "closed#1", epoch=former)
    report = await report_of(mesh)
    assert [(p.task_id, p.kind) for p in report.problems] == [("closed", "lost")]
    assert report.in_flight_at == {"sandbox": 1}


async def test_a_bare_task_is_known_by_its_place(mesh: CraftedMesh) -> None:
    place = await mesh.send(topics.TASKS, {"task": "a bare one"})
    task_id = f"x-{place.topic}-{place.partition}-{place.offset}"
    for topic in (topics.SOLUTIONS, topics.VERDICTS, topics.REVIEWS):
        await mesh.send(topic, {"task_id": task_id, "task": "a bare one", "final": True})
    await mesh.commit_all()
    await mesh.archive(task_id)
    report = await report_of(mesh)
    assert report.balanced
    assert counts(report) == (1, 1, 0, 0, 1)


async def test_dead_letters_are_ends_where_they_ended_a_task(mesh: CraftedMesh) -> None:
    poison = await mesh.send(topics.TASKS, b"poison")
    await mesh.bury(poison, b"poison")
    died = await mesh.way("died", topics.SOLUTIONS)
    await mesh.bury(died, b"{}", key="died", kind="ValueError", role="sandbox")
    # what only the memory lacks goes on
    unremembered = await mesh.way("fine", topics.VERDICTS)
    await mesh.bury(unremembered, b"{}", key="fine", kind="ValueError", role="memory")
    await mesh.send(topics.REVIEWS, {"task_id": "fine", "task": "Add."}, key="fine")
    junk = await mesh.send(topics.SOLUTIONS, b"junk")
    await mesh.bury(junk, b"junk")
    await mesh.commit_all()
    await mesh.archive("fine")
    report = await report_of(mesh)
    assert report.balanced
    assert counts(report) == (3, 1, 2, 0, 1)
    assert report.other_dead_letters == 1


async def test_a_task_that_was_sent_back_is_judged_by_its_last_run(mesh: CraftedMesh) -> None:
    for task_id in ("again", "lost"):
        died = await mesh.way(task_id, topics.TASKS)
        await mesh.bury(died, b"{}", key=task_id, kind="ValueError", role="consumer")
    await mesh.way("again", replay="1")
    await mesh.way("lost", topics.TASKS, replay="1")
    await mesh.commit_all()
    await mesh.archive("again")
    report = await report_of(mesh)
    assert [(p.task_id, p.kind) for p in report.problems] == [("lost", "lost")]
    assert counts(report) == (2, 1, 0, 0, 1)


async def test_messages_that_stand_twice_are_absorbed_but_two_reviews_are_told(
    mesh: CraftedMesh,
) -> None:
    await mesh.way("a")
    await mesh.send(topics.SOLUTIONS, {"task_id": "a", "task": "Add.", "attempt": 1})
    await mesh.way("b")
    await mesh.send(topics.REVIEWS, {"task_id": "b", "task": "Add.", "review": "another"})
    await mesh.commit_all()
    await mesh.archive("a", "b")
    report = await report_of(mesh)
    assert [(p.task_id, p.kind) for p in report.problems] == [("b", "reviewed_twice")]
    assert report.duplicates_absorbed == 1 + 1


async def test_rows_that_do_not_fit_are_told(mesh: CraftedMesh) -> None:
    for task_id in ("good", "missing"):
        await mesh.way(task_id)
    await mesh.commit_all()
    await mesh.archive("good", "ghost")
    with mesh.settings.history.open("ab") as file:
        file.write(b"Add.,,,good,true,1,,m,2026-01-01T00:00:00Z\r\n")
    report = await report_of(mesh)
    assert sorted((p.task_id, p.kind) for p in report.problems) == [
        ("ghost", "row_unknown"), ("good", "row_doubled"), ("missing", "row_missing"),
    ]  # fmt: skip


async def test_a_log_whose_beginning_is_gone_proves_nothing(mesh: CraftedMesh) -> None:
    from aiokafka import TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

    place = await mesh.way("t", topics.TASKS)
    admin = AIOKafkaAdminClient(bootstrap_servers=mesh.kafka)
    await admin.start()
    await admin.delete_records(
        {TopicPartition(place.topic, place.partition): RecordsToDelete(before_offset=1)}
    )
    await admin.close()
    [problem] = (await report_of(mesh)).problems
    assert (problem.task_id, problem.kind) == (f"{place.topic}/{place.partition}", "incomplete")


async def test_a_broker_without_a_mesh_is_told(kafka: str) -> None:
    with pytest.raises(UnavailableError, match="there is no mesh"):
        await audit(Brokers(kafka), Settings(topic_prefix="nobody."), archive=None)


# -- the command


async def run(mesh: CraftedMesh, *args: str) -> Told:
    return await asyncio.to_thread(invoke, "audit", *args, env=mesh.env)


async def test_the_command_ends_with_0_where_all_balances(mesh: CraftedMesh) -> None:
    await mesh.way("t")
    await mesh.commit_all()
    await mesh.archive("t")
    told = await run(mesh)
    assert told.code == 0
    assert "balanced: 1 = 1 + 0 + 0" in told.out
    assert f"read {mesh.topic(topics.TASKS)} up to" in told.out
    found = (await run(mesh, "--json")).json()
    assert found["balanced"] is True
    assert (found["tasks_in"], found["rows"]) == (1, 1)
    assert found["read_up_to"].keys() == {
        mesh.topic(name) for name in (topics.TASKS, topics.SOLUTIONS, topics.VERDICTS,
                                      topics.REVIEWS, topics.DEAD_LETTERS)
    }  # fmt: skip


async def test_the_command_ends_with_1_and_names_what_does_not(mesh: CraftedMesh) -> None:
    await mesh.way("gone", topics.TASKS)
    await mesh.commit_all()
    told = await run(mesh)
    assert told.code == 1
    assert "gone  lost:" in told.out
    assert "NOT BALANCED: 1 ≠ 0 + 0 + 0, 1 problem" in told.out
    told = await run(mesh, "--json")
    assert told.code == 1
    assert json.loads(told.out)["problems"][0]["task_id"] == "gone"


async def test_an_archive_that_is_elsewhere_can_be_named_or_left_out(mesh: CraftedMesh) -> None:
    await mesh.way("t")
    await mesh.commit_all()
    told = await run(mesh)
    assert told.code == 1
    assert "--no-archive" in told.err
    assert (await run(mesh, "--no-archive")).code == 0
    await mesh.archive("t")
    elsewhere = mesh.settings.history.rename(mesh.folder / "elsewhere.csv")
    assert (await run(mesh, "--archive", str(elsewhere))).code == 0
    assert "no archive of this mesh" in (await run(mesh, "--archive", __file__)).failed(3)
