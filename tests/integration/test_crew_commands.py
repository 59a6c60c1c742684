"""`aimesh crew` and `aimesh sample-agent` as a user runs them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from aimesh.core.telemetry import ERRORS_TOPIC, AgentMessage, DetailedError, queue_topic
from aimesh.embedded.rehearsal import Fault
from aimesh.services.reading import Brokers, TopicReader, connected
from tests.commands import Told, aimesh, environ
from tests.crew import FACT, MERGE, listening
from tests.mesh import Mesh, running_mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    folder = tmp_path_factory.mktemp("crew-commands")
    async with running_mesh(kafka, folder, AIMESH_ROLES="crew,observer") as running:
        await running.start()
        yield running


def variables(mesh: Mesh, **more: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": mesh.kafka,
        "AIMESH_TOPIC_PREFIX": mesh.prefix,
        "AIMESH_DATA": str(mesh.data),
        **more,
    }


async def run(mesh: Mesh, *args: str, stdin: bytes = b"", **env: str) -> Told:
    return await aimesh(*args, env=variables(mesh, **env), cwd=mesh.folder, stdin=stdin)


async def started(mesh: Mesh, *args: str, **env: str) -> asyncio.subprocess.Process:
    """Start a command that goes on until it is told to end."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aimesh", *args, env=environ(**variables(mesh, **env)),
        cwd=mesh.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ended(process: asyncio.subprocess.Process, number: int) -> Told:
    """Send a signal, and return what the command told."""
    process.send_signal(number)
    out, err = await asyncio.wait_for(process.communicate(), 40)
    return Told(process.returncode or 0, out.decode(), err.decode())


async def in_queue(mesh: Mesh, agent: str) -> list[AgentMessage]:
    """All messages in an agent's queue."""
    return [AgentMessage.read(data) for data in await said(mesh, queue_topic(agent, mesh.prefix))]


async def said(mesh: Mesh, topic: str) -> list[dict[str, Any]]:
    """All records of a topic."""
    brokers = Brokers(mesh.kafka)
    async with connected(brokers) as admin:
        counts = await admin.partitions([topic])
        ends, begins = await admin.ends(counts), await admin.beginnings(counts)
    async with TopicReader(brokers) as reader:
        spans = {place: (begins[place], end) for place, end in ends.items()}
        return [orjson.loads(r.value or b"") async for rs in reader.through(spans) for r in rs]


# -- aimesh crew


async def test_a_question_is_answered_and_the_handoffs_are_told(mesh: Mesh) -> None:
    told = await run(mesh, "crew", *MERGE.split())
    assert told.code == 0, told
    assert "def merge_sorted" in told.out
    assert "## Review" in told.out
    for agent in ("researcher", "coder", "writer", "reviewer"):
        assert f"orchestrator → {agent}: " in told.err
        assert any(line.split()[2:4] == [agent, "✔"] for line in told.err.splitlines()[1:])


async def test_a_program_gets_all_of_it_as_json(mesh: Mesh) -> None:
    found = (
        await run(mesh, "crew", "--json", "--priority", "high", "-", stdin=FACT.encode())
    ).json()
    assert found["ok"] is True
    assert "partitions" in found["text"]
    assert [h["to"] for h in found["handoffs"]] == [
        "orchestrator", "researcher", "writer", "reviewer",
    ]  # fmt: skip
    assert {h["status"] for h in found["handoffs"]} == {"result"}
    assert all(h["reason"] and h["duration_s"] >= 0 for h in found["handoffs"])
    [asked] = [
        m for m in await in_queue(mesh, "orchestrator") if m.message_id == found["message_id"]
    ]
    assert (asked.source_agent, asked.priority) == ("user", "high")


async def test_a_question_that_takes_too_long_fails_and_says_so(mesh: Mesh) -> None:
    mesh.model.faults.add(Fault("hang", kinds=("research",)))
    try:
        told = await run(mesh, "crew", "--timeout", "1", FACT)
    finally:
        mesh.model.faults.clear()
    assert "its time of 1 s has run out" in told.failed(1)


async def test_an_interrupted_question_is_called_off(mesh: Mesh) -> None:
    mesh.model.faults.add(Fault("hang", kinds=("research",)))
    async with listening(mesh, ["researcher"]) as crew:
        process = await started(mesh, "crew", FACT)
        try:
            await crew.until(lambda: [m for m in crew.heard if m.message_type == "task"])
            told = await ended(process, signal.SIGINT)
            assert told.code == 130
            assert "called off" in told.err
            await crew.until(lambda: [m for m in crew.heard if m.message_type == "cancel"])
        finally:
            mesh.model.faults.clear()
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_where_no_crew_has_ever_been_nothing_is_asked(mesh: Mesh, tmp_path: Path) -> None:
    told = await run(mesh, "crew", FACT, AIMESH_TOPIC_PREFIX="nobody.")
    assert "agent-queue-orchestrator is missing" in told.failed(3)


async def test_a_question_without_a_text_is_a_wrong_usage(mesh: Mesh) -> None:
    assert "no text" in (await run(mesh, "crew", " ")).failed(2)


# -- aimesh sample-agent


async def test_two_sample_agents_give_each_other_work_and_fail_now_and_then(mesh: Mesh) -> None:
    quick = ("--work-seconds", "0", "--interval-seconds", "0.1", "--fail-every", "2")
    # in a container it is set by variables
    other = await started(
        mesh, "sample-agent", AGENT_NAME="Sample One", AGENT_ID="one-1",
        TARGET_AGENT_NAME="sample-two", AGENT_WORK_SECONDS="0", AGENT_INTERVAL_SECONDS="0.1",
    )  # fmt: skip
    try:
        told = await run(
            mesh, "sample-agent", "--name", "sample-two", "--target", "Sample One", *quick,
            "--count", "30",
        )  # fmt: skip
        assert told.code == 0, told
    finally:
        end = await ended(other, signal.SIGTERM)
    assert (end.code, end.err) == (0, "")

    queues = [await in_queue(mesh, name) for name in ("Sample One", "sample-two")]
    assert {m.source_agent for m in queues[0]} == {"sample-two"}
    for queue in queues:
        assert {m.message_type for m in queue} == {"task", "result", "error", "heartbeat"}
        assert all(m.reason and m.ttl_seconds for m in queue if m.message_type == "task")
    sent = {m.message_id for queue in queues for m in queue if m.message_type == "task"}
    ends = [m for queue in queues for m in queue if m.message_type in ("result", "error")]
    assert {m.parent_message_id for m in ends} <= sent
    errors = [DetailedError.read(e) for e in await said(mesh, mesh.prefix + ERRORS_TOPIC)]
    own = [error for error in errors if error.service_name == "aimesh-sample-agent"]
    assert {error.agent_name for error in own} == {"Sample One", "sample-two"}
    assert {e.agent_id for e in own if e.agent_name == "Sample One"} == {"one-1"}
    assert {error.category for error in own} >= {"timeout_error", "network_error"}
    assert {error.trace_id for error in own} <= {m.trace_id for m in ends}


async def test_what_sample_agents_do_is_seen_in_the_telemetry(mesh: Mesh) -> None:
    def has_both(body: Any) -> bool:
        names = {queue["agent_name"] for queue in body["queues"] if queue["total_messages"]}
        return {"Sample One", "sample-two"} <= names

    await mesh.workers[-1].wait("/api/v1/queues", has_both)


async def test_a_sample_agent_needs_a_name(mesh: Mesh) -> None:
    assert "--name" in (await run(mesh, "sample-agent")).failed(2)
    assert "--count" in (await run(mesh, "sample-agent", "--name", "x", "--count", "1")).failed(2)
