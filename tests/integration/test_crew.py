"""The crew on a real Kafka: questions answered together, in order of priority, or called off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from aimesh import dead_letters, topics
from aimesh.core.crew import answer_id
from aimesh.core.telemetry import AgentMessage, queue_topic
from aimesh.embedded.rehearsal import Fault
from aimesh.services.dead_letters import DeadLetters
from aimesh.services.letters import DeadLetter
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from tests.crew import FACT, MERGE, Listener, listening
from tests.mesh import Mesh, posed, running_mesh
from tests.worker import Worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWERS = ("result", "error")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    folder = tmp_path_factory.mktemp("crew")
    roles = "crew,governor,observer"
    # one at a time, so that the order of those that wait can be told
    async with running_mesh(
        kafka, folder, AIMESH_ROLES=roles, AIMESH_LLM_CONCURRENCY="1"
    ) as running:
        await running.start()
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def crew(mesh: Mesh) -> AsyncIterator[Listener]:
    async with listening(mesh) as found:
        try:
            yield found
        finally:
            mesh.model.faults.clear()


def worker(mesh: Mesh) -> Worker:
    return mesh.workers[-1]


def handed(crew: Listener, question: AgentMessage) -> list[str]:
    """Who was handed a step of a question, in order."""
    return [m.target_agent for m in crew.of(question, "task") if m is not question][1:]


async def waiting(mesh: Mesh, agent: str, count: int) -> None:
    """Wait until an agent has taken on so many tasks and not done them."""

    def has(state: Any) -> bool:
        reports = [s["counts"] for s in state["stages"] if s["role"] == "crew"]
        return any(counts[f"{agent}.open"] == count for counts in reports)

    await worker(mesh).wait("/api/v1/mesh/state", has)


# -- answers


async def test_a_question_is_planned_handed_over_and_joined(crew: Listener) -> None:
    question = crew.ask(MERGE, reason="somebody asks")
    answer = await crew.answer(question)
    assert answer.message_type == "result"
    assert answer.parent_message_id == question.message_id
    assert handed(crew, question) == ["researcher", "coder", "writer", "reviewer"]
    steps = crew.of(question, "task")[1:]
    assert all(step.reason and step.parent_message_id == question.message_id for step in steps)
    results = crew.of(question, "result")
    assert {m.parent_message_id for m in results} >= {step.message_id for step in steps}
    assert "merge_sorted([1, 4, 6], [2, 3, 9]) -> [1, 2, 3, 4, 6, 9]" in answer.payload["output"]
    for part in ("smaller of their first items", "def merge_sorted", "## Review"):
        assert part in answer.payload["text"]
    assert answer.payload["missing"] == []


async def test_what_the_coder_writes_runs_in_the_sandbox_and_is_mended(crew: Listener) -> None:
    answer = await crew.answer(crew.ask(posed("temperature_span"), "coder"))
    assert answer.message_type == "result"
    assert (answer.payload["verdict"], answer.payload["attempts"]) == ("passed", 2)
    assert answer.payload["isolation"]
    kinds = [step["kind"] for step in answer.payload["steps"]]
    assert kinds == ["model", "tool", "model", "tool"]


async def test_code_that_never_works_is_an_error_and_the_answer_says_what_is_missing(
    crew: Listener,
) -> None:
    question = crew.ask(posed("free_hours"))
    answer = await crew.answer(question)
    assert answer.message_type == "result"
    assert [line.partition(":")[0] for line in answer.payload["missing"]] == ["coder"]
    assert "after 3 attempts" in answer.payload["text"]
    [error] = [m for m in crew.of(question, "error") if m.source_agent == "coder"]
    assert error.payload["code"]


async def test_a_question_is_one_trace_with_a_timeline_and_a_graph(
    mesh: Mesh, crew: Listener
) -> None:
    question = crew.ask(MERGE, reason="somebody asks")
    await crew.answer(question)
    base = f"/api/v1/traces/{question.trace_id}"
    whole = await worker(mesh).wait(base, lambda body: body["trace"]["status"] == "completed")
    assert whole["trace"]["llm_calls"] == 5
    assert whole["trace"]["pending_tasks"] == 0
    spans = {span["span_id"]: span for span in whole["spans"]}
    [root] = [span for span in spans.values() if span["parent_span_id"] is None]
    assert root["agent_name"] == "orchestrator"
    agents = [s for s in spans.values() if s["parent_span_id"] == root["span_id"]]
    assert {s["agent_name"] for s in agents if s["kind"] == "agent"} == {
        "researcher", "coder", "writer", "reviewer",
    }  # fmt: skip
    assert [s["agent_name"] for s in spans.values() if s["kind"] == "tool"] == ["coder"]
    entries = (await worker(mesh).get(f"{base}/timeline"))["timeline"]
    assert [e["timestamp"] for e in entries] == sorted(e["timestamp"] for e in entries)
    assert sum(entry["type"] == "handoff" for entry in entries) == 5
    graph = await worker(mesh).get(f"{base}/graph")
    edges = {(e["source"], e["target"]) for e in graph["edges"] if e["type"] == "handoff"}
    assert ("agent:user", "agent:orchestrator") in edges
    assert ("agent:orchestrator", "agent:coder") in edges
    assert all(edge["reason"] for edge in graph["edges"] if edge["type"] == "handoff")


async def test_a_model_that_gives_no_plan_does_not_keep_a_question_from_its_answer(
    mesh: Mesh, crew: Listener
) -> None:
    mesh.model.faults.add(Fault("gibberish", kinds=("plan",)))
    question = crew.ask(FACT)
    assert (await crew.answer(question)).message_type == "result"
    assert handed(crew, question) == ["researcher", "writer", "reviewer"]


async def test_a_question_without_a_text_is_an_error(mesh: Mesh, crew: Listener) -> None:
    question = crew.telemetry.send_to_agent("orchestrator", {})
    assert question is not None
    answer = await crew.answer(question)
    assert (answer.message_type, answer.payload["error"]) == ("error", "the question has no text")
    found = await worker(mesh).wait(
        f"/api/v1/errors?trace_id={question.trace_id}", lambda body: body["errors"]
    )
    assert found["errors"][0]["agent_name"] == "orchestrator"


async def test_an_outside_agent_may_answer_for_the_crew(mesh: Mesh, crew: Listener) -> None:
    mesh.model.faults.add(Fault("hang", kinds=("research",)))
    question = crew.ask(FACT)
    [step] = await crew.until(lambda: crew.of(question, "task")[1:])
    async with listening(mesh, name="librarian") as librarian:
        librarian.telemetry.reply(step, {"text": "Kafka is a log that many share."})
        await librarian.telemetry.flush()
    await crew.until(lambda: "writer" in handed(crew, question))
    [context] = crew.of(question, "task")[-1].payload["context"]
    assert context == {"agent": "researcher", "text": "Kafka is a log that many share."}
    crew.cancel(step)


# -- order


async def test_the_most_urgent_of_those_who_wait_goes_first(mesh: Mesh, crew: Listener) -> None:
    mesh.model.faults.add(Fault("hang", kinds=("research",), count=1))
    first = crew.ask(FACT, "researcher")
    await waiting(mesh, "researcher", 1)
    order = ("low", "normal", "high", "critical", "normal", "critical")
    tasks = [crew.ask(f"{FACT} {n}", "researcher", priority=p) for n, p in enumerate(order)]
    await waiting(mesh, "researcher", 1 + len(tasks))
    crew.cancel(first)
    for task in tasks:
        await crew.answer(task)
    came = sorted((m.timestamp, tasks.index(t)) for t in tasks if (m := crew.answer_to(t)))
    assert [number for _, number in came] == [3, 5, 2, 1, 4, 0]
    assert crew.answer_to(first) is None


# -- ends before the end


async def test_a_task_whose_time_has_run_out_is_an_error(mesh: Mesh, crew: Listener) -> None:
    mesh.model.faults.add(Fault("hang", kinds=("research",)))
    at_work = crew.ask(FACT, "researcher", ttl_seconds=3)
    waits = crew.ask(FACT, "researcher", ttl_seconds=1)
    for task, seconds in ((waits, 1), (at_work, 3)):
        answer = await crew.answer(task)
        assert answer.message_type == "error"
        assert answer.payload["error"] == f"its time of {seconds} s has run out"
    found = await worker(mesh).wait(
        f"/api/v1/errors?trace_id={at_work.trace_id}", lambda body: body["errors"]
    )
    assert found["errors"][0]["category"] == "timeout_error"


async def test_a_question_whose_time_has_run_out_is_an_error_and_its_steps_are_called_off(
    mesh: Mesh, crew: Listener
) -> None:
    mesh.model.faults.add(Fault("down", kinds=("research",)))
    question = crew.ask(FACT, ttl_seconds=3)
    answer = await crew.answer(question)
    assert answer.message_type == "error"
    pending = "/api/v1/queues/researcher/pending"
    await worker(mesh).wait(pending, lambda body: body["pending_count"] == 0)


async def test_a_question_can_be_called_off_with_all_that_it_led_to(
    mesh: Mesh, crew: Listener
) -> None:
    mesh.model.faults.add(Fault("hang", kinds=("research",)))
    question = crew.ask(FACT)
    [step] = await crew.until(lambda: crew.of(question, "task")[1:])
    await crew.until(lambda: [m for m in crew.of(question, "heartbeat")
                              if m.source_agent == "researcher"])  # fmt: skip
    crew.cancel(question)
    ended = await crew.until(
        lambda: [m for m in crew.of(question, "cancel") if m.target_agent == "researcher"]
    )
    assert [m.parent_message_id for m in ended] == [step.message_id]
    await waiting(mesh, "researcher", 0)
    await waiting(mesh, "orchestrator", 0)
    path = f"/api/v1/traces/{question.trace_id}"
    await worker(mesh).wait(path, lambda body: body["trace"]["status"] == "cancelled")
    assert crew.answer_to(question) is None


async def test_what_was_called_off_before_it_came_is_not_done(mesh: Mesh, crew: Listener) -> None:
    crew.telemetry.send_to_agent("researcher", message_type="cancel", parent_message_id="early-1")
    early = crew.ask(FACT, "researcher", message_id="early-1")
    later = crew.ask(FACT, "researcher")
    await crew.answer(later)
    assert crew.answer_to(early) is None


# -- what else may be in a queue


async def test_signs_of_life_are_seen_and_are_no_work(mesh: Mesh, crew: Listener) -> None:
    crew.telemetry.send_to_agent("writer", message_type="heartbeat")
    task = crew.ask(FACT, "writer")
    await crew.answer(task)
    beats = crew.of(task, "heartbeat")
    assert [(m.source_agent, m.parent_message_id) for m in beats] == [("writer", task.message_id)]
    await waiting(mesh, "writer", 0)


async def test_what_is_no_message_becomes_a_dead_letter_and_stops_nobody(
    mesh: Mesh, crew: Listener
) -> None:
    bad: list[bytes] = [
        b"junk",
        b"[]",
        orjson.dumps({"source_agent": "x", "priority": "urgent", "payload": {"text": "?"}}),
        orjson.dumps({"payload": {"text": "who am I?"}}),
        orjson.dumps({"source_agent": "x", "message_type": "cancel"}),
    ]
    await crew.send("writer", *bad)
    assert (await crew.answer(crew.ask(FACT, "writer"))).message_type == "result"

    def of_writer(body: Any) -> list[Any]:
        topic = queue_topic("writer", mesh.prefix)
        return [x for x in body["dead_letters"] if x["origin"].startswith(f"{topic}")]

    path = "/api/v1/mesh/dead-letters?limit=100"
    letters = of_writer(await worker(mesh).wait(path, lambda b: len(of_writer(b)) == len(bad)))
    reasons = " ".join(letter["error"] for letter in letters)
    for part in ("not JSON", "takes low, normal", "'source_agent' is missing", "what is to be"):
        assert part in reasons


async def test_dead_letters_of_a_queue_go_back_to_its_agent_and_not_in_circles(
    mesh: Mesh, crew: Listener
) -> None:
    letters = DeadLetters(Brokers(mesh.kafka), Settings(topic_prefix=mesh.prefix))
    queue = queue_topic("writer", mesh.prefix)

    async def newest(count: int, replays: int) -> DeadLetter:
        """Wait for the letter of a message that was sent back so often."""
        deadline = time.monotonic() + 30
        while True:
            found = [
                letter
                for letter in await letters.newest(100)
                if letter.value == b"poison" and str(letter.origin).startswith(f"{queue}/")
            ]
            if len(found) == count:
                return next(letter for letter in found if letter.replay_count == replays)
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    await crew.send("writer", b"poison")
    first = await newest(1, 0)
    async with aiohttp.ClientSession(worker(mesh).url) as api:
        path = f"/api/v1/mesh/dead-letters/{first.id}/redrive"
        async with api.post(path, json={"dry_run": True}) as answer:
            assert (answer.status, (await answer.json())["redriven"]["to"]) == (200, "")
        async with api.post(path) as answer:
            assert (await answer.json())["redriven"]["to"].startswith(f"{queue}/")
        async with api.post(path) as answer:
            assert (answer.status, "already" in await answer.text()) == (409, True)
    again = await newest(2, 1)
    [refused] = await letters.redrive([again.id], limit=1)
    assert "died again" in refused.refusal


async def test_a_task_that_is_sent_back_is_done_though_its_id_is_known(
    mesh: Mesh, crew: Listener
) -> None:
    task = crew.ask(FACT, "writer")
    await crew.answer(task)
    headers = dead_letters.headers(
        topic=queue_topic("writer", mesh.prefix), partition=0, offset=0, timestamp=time.time(),
        error_type="MeshError", error="its worker ended again and again", carried={},
    )  # fmt: skip
    value = orjson.dumps(task.stored())
    async with AIOKafkaProducer(bootstrap_servers=mesh.kafka) as producer:
        place = await producer.send_and_wait(
            mesh.topic(topics.DEAD_LETTERS), value, task.message_id.encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )  # fmt: skip
    letters = DeadLetters(Brokers(mesh.kafka), Settings(topic_prefix=mesh.prefix))
    [sent] = await letters.redrive([f"{place.partition}-{place.offset}"])
    assert (sent.refusal, sent.task_id) == ("", task.message_id)
    wanted = answer_id(task.message_id)
    await crew.until(lambda: sum(m.message_id == wanted for m in crew.heard) == 2)


async def test_the_bare_form_of_a_task_is_answered(crew: Listener) -> None:
    await crew.send("writer", orjson.dumps({"source_agent": "user", "payload": {"text": FACT}}))

    def answered() -> list[AgentMessage]:
        found = [m for m in crew.heard if m.message_type == "result"]
        return [m for m in found if (m.parent_message_id or "").startswith("x-")]

    [answer] = await crew.until(answered)
    assert answer.target_agent == "user"
    assert answer.trace_id


async def test_whoever_asks_without_a_queue_gets_one_with_the_answer(
    mesh: Mesh, crew: Listener
) -> None:
    name = f"Planner {uuid4().hex[:8]}"
    task = {"message_id": f"of-{name}", "source_agent": name, "payload": {"text": FACT}}
    await crew.send("writer", orjson.dumps(task))
    topic = queue_topic(name, mesh.prefix)
    await worker(mesh).says(f"{topic} was created")
    async with (
        asyncio.timeout(30),
        AIOKafkaConsumer(
            topic, bootstrap_servers=mesh.kafka, auto_offset_reset="earliest"
        ) as consumer,
    ):
        async for message in consumer:
            said = AgentMessage.read(orjson.loads(message.value))
            if said.message_type in ANSWERS:
                break
    assert (said.message_type, said.source_agent) == ("result", "writer")
    assert said.parent_message_id == task["message_id"]
    assert not worker(mesh).said(f"Topic {topic} not found")
