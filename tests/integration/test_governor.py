"""The governor: sees every backlog, stops the producer for it, and lets it go on afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from aimesh.core.crew import AGENTS
from aimesh.core.governing import ACTIVE, THROTTLED
from aimesh.core.telemetry import queue_topic
from aimesh.embedded.rehearsal import RehearsalServer
from tests.commands import invoke
from tests.mesh import Mesh, running_mesh, simple
from tests.worker import Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

BURST = 50
MADE = "events.producer.done"
STATE, LAG = "/api/v1/mesh/state", "/api/v1/mesh/lag"
HOPS = ["consumer", "memory", "persistence", "reviewer", "sandbox"]
CREW = [f"crew-{agent}" for agent in AGENTS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def burst(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A mesh with a slow model, after many tasks at once were sent to it and worked off."""
    folder = tmp_path_factory.mktemp("governor")
    slow = RehearsalServer(latency=0.4, garbage_every=0)
    async with running_mesh(kafka, folder, slow, AIMESH_PRODUCER_INTERVAL="0.2") as mesh:
        worker = await mesh.start()
        await worker.wait(STATE, lambda body: body["governor"]["state"] == ACTIVE)
        await worker.wait(STATE, lambda body: body["counts"].get(MADE, 0) > 0)
        ids = await mesh.send([orjson.dumps({"task": text}) for text in simple(BURST)])
        await worker.wait(STATE, lambda body: body["governor"]["state"] == THROTTLED)
        await mesh.archived(ids)
        body = await worker.wait(STATE, lambda body: body["governor"]["state"] == ACTIVE)
        done = body["counts"].get(MADE, 0)
        await worker.wait(STATE, lambda body: body["counts"].get(MADE, 0) > done)
        yield mesh


@pytest.fixture
def worker(burst: Mesh) -> Worker:
    return burst.workers[0]


async def decisions(mesh: Mesh) -> list[dict[str, Any]]:
    found = [orjson.loads(message.value) for message in await mesh.read("ai_governor")]
    return [data for data in found if data["type"] == "decision"]


async def spell(mesh: Mesh) -> list[dict[str, Any]]:
    """The longest run of decisions to throttle, with the one after it."""
    made = await decisions(mesh)
    runs = [list(group) for _, group in groupby(made, key=lambda d: d["state"])]
    longest = max((r for r in runs if r[0]["state"] == THROTTLED), key=len)
    return made[made.index(longest[0]) : made.index(longest[-1]) + 2]


async def test_many_tasks_at_once_throttle_until_they_are_drained(burst: Mesh) -> None:
    *throttled, after = await spell(burst)
    assert max(decision["lag"] for decision in throttled) > 10
    assert throttled[0]["changed"]
    assert all(d["lag"] >= d["threshold"] == 3 for d in throttled)
    assert (after["state"], after["changed"]) == (ACTIVE, True)
    assert after["lag"] < 3


async def test_every_decision_follows_from_its_lag_and_comes_by_the_clock(burst: Mesh) -> None:
    made = await decisions(burst)
    for decision in made:
        assert (decision["state"] == THROTTLED) == (decision["lag"] >= decision["threshold"])
        assert str(decision["lag"]) in decision["reason"]
        assert "3" in decision["reason"]
    assert len({decision["decision_id"] for decision in made}) == len(made)


async def test_the_producer_says_why_it_stops_and_makes_nothing_until_it_may(
    burst: Mesh, worker: Worker
) -> None:
    *throttled, after = await spell(burst)
    said = f"LAG TOO HIGH. Throttling... lag {throttled[0]['lag']} has reached the threshold of 3"
    assert worker.said(said)
    assert worker.said(f"Lag is fine, producing. lag {after['lag']} is below the threshold of 3")
    told = [orjson.loads(m.value) for m in await burst.read("ai_telemetry")]
    assert any(line["agent"] == "producer" and line["message"] == said for line in told)
    tasks = [orjson.loads(m.value) for m in await burst.read("ai_topic")]
    made = [task["created_at"] for task in tasks if task.get("source") == "producer"]
    # one may have been on its way
    assert sum(throttled[0]["ts"] < at < after["ts"] for at in made) <= 1
    assert max(made) > after["ts"]


async def test_every_change_of_state_is_an_event_with_its_reason(burst: Mesh) -> None:
    changes = [d for d in await decisions(burst) if d["changed"]]
    told = [orjson.loads(message.value) for message in await burst.read("ai_telemetry")]
    events = [line["data"] for line in told if (line["agent"], line["name"]) == ("governor",) * 2]
    assert [(d["state"], d["reason"]) for d in changes] == [
        (event["state"], event["reason"]) for event in events
    ]


async def test_every_hop_is_measured_and_judged(burst: Mesh, worker: Worker) -> None:
    await worker.wait(LAG, lambda body: {h["verdict"] for h in body["hops"]} == {"OK"})
    hops = (await worker.get(LAG))["hops"]
    assert sorted(hop["role"] for hop in hops) == sorted([*CREW, *HOPS])
    for hop in hops:
        assert hop["members"] == 1
        assert hop["topic"].startswith(burst.prefix)
        assert hop["history"]
    [consumer] = [hop for hop in hops if hop["role"] == "consumer"]
    assert max(lag for _, lag in consumer["history"]) >= 3


async def test_the_crews_queues_are_hops_too(burst: Mesh, worker: Worker) -> None:
    told = await asyncio.to_thread(
        invoke, "lag", "--json", "--url", worker.url, env={"AIMESH_DATA": str(burst.data)}
    )
    found = {hop["role"]: hop for hop in told.json()["hops"]}
    writer = found["crew-writer"]
    queue = queue_topic("writer", burst.prefix)
    assert (writer["topic"], writer["group"]) == (queue, f"{burst.prefix}aimesh-crew")
    async with AIOKafkaProducer(bootstrap_servers=burst.kafka) as producer:
        await producer.send_and_wait(queue, b"no message")

    def is_taken(body: dict[str, Any]) -> bool:
        [hop] = [hop for hop in body["hops"] if hop["role"] == "crew-writer"]
        return bool(hop["end"] == hop["committed"] == writer["end"] + 1 and hop["lag"] == 0)

    await worker.wait(LAG, is_taken)


async def test_a_role_that_nobody_runs_is_told_and_counts_as_lag(
    kafka: str, tmp_path: Path
) -> None:
    async with running_mesh(kafka, tmp_path) as mesh:
        watcher = await mesh.start(AIMESH_ROLES="governor,observer", AIMESH_WORKER="watcher")
        ids = await mesh.send([orjson.dumps({"task": text}) for text in simple(5)])
        body = await watcher.wait(STATE, lambda b: b["governor"]["state"] == THROTTLED)
        assert body["governor"]["lag"] == 5
        body = await watcher.wait(LAG, lambda b: {h["verdict"] for h in b["hops"]} == {"STOPPED"})
        assert body["hops"][0]["reason"] == "no worker runs this role"
        # not every mesh has a crew
        assert {hop["role"] for hop in body["hops"]} <= set(HOPS)
        roles = "consumer,sandbox,memory,reviewer,persistence"
        await mesh.start(AIMESH_ROLES=roles, AIMESH_WORKER="doer")
        rows = await mesh.archived(ids)
        assert len(rows) == 5
        await watcher.wait(STATE, lambda b: b["governor"]["state"] == ACTIVE)
        await watcher.wait(LAG, lambda b: {h["verdict"] for h in b["hops"]} == {"OK"})
        for task_id in ids:
            assert (await watcher.reviewed(task_id))["outcome"] == "reviewed"
