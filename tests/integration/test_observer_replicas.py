"""Several observers answer alike, path by path, whichever of them is killed or loses its disk."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from aimesh.core.epochs import CLAIM, Epoch
from aimesh.core.telemetry import AgentMessage
from aimesh.services.reading import Brokers, TopicReader, connected
from aimesh.telemetry import Telemetry
from tests.mesh import Mesh, running_mesh
from tests.worker import PAUSE, Worker

BASE = "/api/v1"
# what says when an answer was made, and not what is known
MOMENT = ("as_of", "timestamp")


async def say(mesh: Mesh, round_number: int) -> None:
    """Have agents say something of every kind, and the mesh too."""
    async with Telemetry(mesh.kafka, agent="planner", prefix=mesh.prefix) as telemetry:
        tasks = [
            telemetry.send_to_agent(
                ("writer", "coder")[n % 2],
                {"n": n, "session_id": "s-1"},
                priority=("low", "normal", "critical")[n % 3],
                reason=f"reason {n}",
            )
            for n in range(60)
        ]
        for task in tasks[::2]:
            assert isinstance(task, AgentMessage)
            telemetry.reply(task, {"round": round_number}, failed=task.payload["n"] % 3 == 0)
            with telemetry.following(task):
                telemetry.record_error_from_exception(TimeoutError(f"{round_number}"))
        assert await telemetry.flush(30)
    await mesh.send([orjson.dumps({"task": f"task {round_number}"}), b"no json"])


async def paths(worker: Worker) -> list[str]:
    """Return every path of the telemetry with something to tell, as one observer knows them."""
    found = ["/queues", "/errors?limit=500", "/errors/summary", "/traces?limit=1000", "/metrics"]
    found += ["/metrics/spans?limit=500", "/agents", "/undecodable"]
    for queue in (await worker.get(f"{BASE}/queues"))["queues"]:
        name = queue["agent_name"]
        found += [f"/queues/{name}?limit=500", f"/queues/{name}/pending?limit=500"]
        found += [f"/queues/{name}?limit=7&message_type=task", f"/metrics/spans?agent_name={name}"]
    errors = (await worker.get(f"{BASE}/errors"))["errors"]
    found += [f"/errors/{errors[0]['error_id']}", f"/errors/agent/{errors[0]['agent_name']}"]
    traces = (await worker.get(f"{BASE}/traces?limit=1000"))["traces"]
    for trace in (traces[0], traces[-1], next(t for t in traces if t["error_count"])):
        one = f"/traces/{trace['trace_id']}"
        found += [one, *(f"{one}/{part}" for part in ("spans", "timeline", "graph", "errors"))]
    tasks = (await worker.get(f"{BASE}/mesh/tasks"))["tasks"]
    found += ["/mesh/tasks", "/mesh/counts", "/mesh/in-flight", "/mesh/errors"]
    return [*found, *(f"/mesh/tasks/{task['task_id']}" for task in tasks)]


def lasting(body: Any) -> Any:
    """Return an answer without when it was made."""
    return {name: value for name, value in body.items() if name not in MOMENT}


async def answers(worker: Worker, asked: list[str]) -> dict[str, Any]:
    """Return all answers of one observer."""
    return {path: lasting(await worker.get(BASE + path)) for path in asked}


async def assert_alike(workers: list[Worker], messages: int, errors: int) -> dict[str, Any]:
    """Wait until all observers know everything, and see that each path's answers are the same."""
    for worker in workers:
        await worker.wait(
            f"{BASE}/queues", lambda body: body["total_messages"] == messages, limit=60
        )
        await worker.wait(f"{BASE}/errors/summary", lambda b: b["total_errors"] == errors, limit=60)
        # the mesh's tables are at one of them, which the others ask
        await worker.wait(f"{BASE}/mesh/tasks", lambda b: len(b["tasks"]) == messages // 90)
    deadline = time.monotonic() + 20
    while True:
        asked = await paths(workers[0])
        first, *others = [await answers(worker, asked) for worker in workers]
        different = [path for path in asked if any(first[path] != o[path] for o in others)]
        if not different or time.monotonic() > deadline:
            break
        await asyncio.sleep(PAUSE)  # what one has just heard the other will hear in a moment
    for path in different:
        assert [other[path] for other in others] == [first[path]] * len(others), path
    return first


Row = tuple[str, int, bytes]


async def rows(mesh: Mesh) -> set[Row]:
    """Return topic, partition and key of all that the tables' changelogs have."""
    async with connected(Brokers(mesh.kafka)) as admin:
        found = await admin.partitions()
        logs = {n: found[n] for n in found if n.startswith(mesh.prefix) and "-changelog" in n}
        begins, ends = await admin.beginnings(logs), await admin.ends(logs)
    async with TopicReader(Brokers(mesh.kafka)) as reader:
        batches = reader.through({place: (begins[place], end) for place, end in ends.items()})
        found_rows = [
            (r.topic, r.partition, r.key or b"") async for batch in batches for r in batch
        ]
    return {row for row in found_rows if row[2] != CLAIM}


async def rows_written_down(mesh: Mesh) -> set[Row]:
    """Wait until the holder has written its rows down, and return them."""
    async with asyncio.timeout(30):
        while True:
            found = await rows(mesh)
            if any("marks" in topic for topic, _, _ in found):
                return found
            await asyncio.sleep(PAUSE)


async def remove_late(mesh: Mesh, found: set[Row]) -> None:
    """Remove rows as one that had the tables long ago."""
    former = Epoch(0, b"long ago").headers()
    async with AIOKafkaProducer(bootstrap_servers=mesh.kafka) as producer:
        for topic, partition, key in found:
            await producer.send(topic, None, key, partition, headers=former)


async def test_no_observer_answers_with_what_a_former_one_wrote_late(
    kafka: str, tmp_path: Path
) -> None:
    folders = [tmp_path / "1", tmp_path / "2"]
    async with running_mesh(kafka, tmp_path, AIMESH_ROLES="observer") as mesh:
        one = await mesh.start(AIMESH_WORKER="w1", AIMESH_DATA=str(folders[0]))
        await say(mesh, 1)
        before = await assert_alike([one], 90, 30)
        await remove_late(mesh, await rows_written_down(mesh))
        # one that follows it, and then one that takes its place, each with an empty disk
        two = await mesh.start(AIMESH_WORKER="w2", AIMESH_DATA=str(folders[1]))
        assert await assert_alike([one, two], 90, 30) == before
        for worker, folder in zip((one, two), folders, strict=True):
            await worker.stop()
            shutil.rmtree(folder)
        one = await mesh.start(AIMESH_WORKER="w1", AIMESH_DATA=str(folders[0]))
        assert await assert_alike([one], 90, 30) == before


async def test_two_observers_answer_alike_whichever_is_killed_and_whatever_disk_is_lost(
    kafka: str, tmp_path: Path
) -> None:
    async with running_mesh(kafka, tmp_path, AIMESH_ROLES="observer") as mesh:
        one = await mesh.start(AIMESH_WORKER="w1", AIMESH_DATA=str(tmp_path / "1"))
        await say(mesh, 1)
        two = await mesh.start(AIMESH_WORKER="w2", AIMESH_DATA=str(tmp_path / "2"))
        await assert_alike([one, two], 90, 30)
        await say(mesh, 2)
        before = await assert_alike([one, two], 180, 60)

        # one of them wrote the tables down, whichever: the other goes on without a pause
        await one.kill()
        telemetry = {p: known for p, known in before.items() if not p.startswith("/mesh/")}
        assert await answers(two, list(telemetry)) == telemetry
        await say(mesh, 3)
        await assert_alike([two], 270, 90)
        shutil.rmtree(tmp_path / "1")
        one = await mesh.start(AIMESH_WORKER="w1", AIMESH_DATA=str(tmp_path / "1"))
        await assert_alike([one, two], 270, 90)

        await two.kill()
        await say(mesh, 4)
        before = await assert_alike([one], 360, 120)
        await one.stop()
        shutil.rmtree(tmp_path / "1")
        one, two = await asyncio.gather(
            *(mesh.start(AIMESH_WORKER=f"w{n}", AIMESH_DATA=str(tmp_path / f"{n}")) for n in (1, 2))
        )
        assert await assert_alike([one, two], 360, 120) == before
