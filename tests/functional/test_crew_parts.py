"""Parts of the crew that need no broker: places at work, the book, messages, crafts."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaTimeoutError

from aimesh.agents.crew.book import Book
from aimesh.agents.crew.crafts import Coding
from aimesh.agents.crew.gate import Gate
from aimesh.agents.crew.journal import Journal
from aimesh.agents.crew.messages import Post, QueueMessage, taken
from aimesh.agents.crew.plans import CANCELLED, Plan, Plans
from aimesh.agents.crew.worker import CrewWorker
from aimesh.core.crew_joining import Finding
from aimesh.core.crew_plan import usual_plan
from aimesh.core.prompts import Prompt
from aimesh.core.telemetry import AgentMessage
from aimesh.core.trace import parse_traceparent
from aimesh.errors import BadAnswerError, LeaseLostError, UnavailableError
from aimesh.faustfix.tables import MeshTable
from aimesh.services.ollama import Answer, Ollama
from aimesh.services.sandbox import Outcome, Sandbox
from aimesh.stage import Rejected
from tests.tables import MemoryTable

AT = "2026-01-01T00:00:00.000Z"
READ = SimpleNamespace(topic="q", partition=0, offset=7, timestamp=1767225600.0, headers=[])


def task(**fields: Any) -> AgentMessage:
    return AgentMessage.read({"message_id": "m", "source_agent": "s", "timestamp": AT, **fields})


# -- answering


@pytest.mark.parametrize(
    ("fields", "ends"), [({"ttl_seconds": 1.0}, Rejected), ({}, UnavailableError)]
)
async def test_a_task_that_cannot_be_answered_is_waited_with_as_long_as_it_has_time(
    fields: dict[str, Any], ends: type[Exception]
) -> None:
    async def refused(agent: str) -> None:
        raise UnavailableError("kafka", f"{agent} may have no queue")

    around = (Post("writer", ""), Gate(1), *(cast(Any, None) for _ in range(3)))
    desk = CrewWorker(cast(Any, None), *around, ensure=refused, limit=1.0)
    queued = QueueMessage(**task(**fields).stored(), task_id="m")
    with pytest.raises(ends, match="s may have no queue"):
        await desk.work(queued, cast(Any, None))


# -- places


async def test_whoever_waits_goes_in_the_order_of_urgency() -> None:
    gate, went = Gate(1), list[int]()

    async def work(urgency: int) -> None:
        async with gate.place(urgency):
            went.append(urgency)

    async with gate.place(0):
        working = [asyncio.create_task(work(urgency)) for urgency in (3, 1, 2, 1)]
        await asyncio.sleep(0)
        assert gate.waiting == 4
    await asyncio.gather(*working)
    assert went == [1, 1, 2, 3]


async def test_a_place_is_not_lost_when_its_next_owner_is_cancelled() -> None:
    gate = Gate(1)

    async def work(urgency: int) -> None:
        async with gate.place(urgency):
            pass

    async with gate.place(0):
        first, second = (asyncio.create_task(work(urgency)) for urgency in (1, 2))
        await asyncio.sleep(0)
    first.cancel()  # at the very moment at which it was given the place
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    await asyncio.wait_for(work(0), 5)


async def test_who_gives_up_waiting_leaves_no_hole() -> None:
    gate = Gate(1)
    async with gate.place(0):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), gate.place(1):
                pass
        assert gate.waiting == 0
    async with asyncio.timeout(5), gate.place(1):
        pass


# -- the book


class BookTable(MemoryTable):
    """With what the book asks of a table besides."""

    def slice_after(self, after: bytes, limit: int, partition: int) -> list[tuple[bytes, str, Any]]:
        keys = sorted(key for _, key in self.held if key.encode() > after)
        return [(k.encode(), k, self.look(k, partition)) for k in keys[:limit]]


def book(*, holds: bool = True) -> tuple[Book, BookTable]:
    table = BookTable("book")
    return Book(cast(MeshTable, table), lambda: holds), table


async def test_a_book_is_not_touched_where_the_queues_are_another_workers() -> None:
    foreign, table = book(holds=False)
    for call in (
        lambda: foreign.find("a"),
        lambda: foreign.put("a", {}),
        lambda: list(foreign.all("")),
    ):
        with pytest.raises(UnavailableError):
            call()
    assert table.held == {}


@pytest.mark.parametrize("error", [LeaseLostError(), KafkaTimeoutError()])
async def test_what_a_book_could_not_write_down_waits_to_be_done_again(error: Exception) -> None:
    own, _ = book()
    failed = asyncio.get_running_loop().create_future()
    failed.set_exception(error)
    with pytest.raises(UnavailableError, match="did not take"):
        await own.written(own.put("a", {}), failed)


async def test_what_was_kept_long_enough_is_forgotten() -> None:
    own, _ = book()
    own.put("old", {"n": 1}, kept=10)
    own.put("new", {"n": 2}, kept=1000)
    assert await own.forget_old(time.time() + 100) == 1
    assert own.find("old") is None
    assert (own.find("new") or {})["n"] == 2


async def test_plans_are_found_again_and_the_first_word_on_a_step_counts() -> None:
    own, _ = book()
    plans = Plans(own)
    plan = Plan(
        task(ttl_seconds=60, payload={"text": "Why?"}), usual_plan("Why?"), {"llm_calls": 1}
    )
    await own.written(plans.begin(plan))
    assert plans.find("m") == plan
    assert plans.settle(plan, 0, Finding(True, "facts"), "r1") is not None
    assert plans.settle(plan, 0, Finding(False, error="late"), "r2") is None
    assert plans.findings(plan) == {0: Finding(True, "facts")}

    again = Plans(own)
    again.reload()
    assert again.due(1767225659.0) == []
    assert again.due(1767225661.0) == ["m"]
    again.end(plan, CANCELLED, "c")
    assert again.due(1767225661.0) == []
    found = again.find("m")
    assert found is not None
    assert (found.ended, found.ended_by) == (CANCELLED, "c")


# -- messages


def test_a_message_is_taken_with_all_that_it_left_out() -> None:
    found = taken(QueueMessage(source_agent="s", payload={"text": "x"}), READ, "writer")
    assert (found.task_id, found.message_id) == ("x-q-0-7", "x-q-0-7")
    assert found.message() == task(
        message_id="x-q-0-7", target_agent="writer", payload={"text": "x"}
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({}, "'source_agent' is missing"),
     ({"source_agent": "s", "priority": "urgent"}, "it takes low"),
     ({"source_agent": "s", "message_id": "x" * 201}, "more than 200"),
     ({"source_agent": "s", "timestamp": "yesterday"}, "RFC 3339"),
     ({"source_agent": "s", "ttl_seconds": -1.0}, "'ttl_seconds'")],
)  # fmt: skip
def test_what_is_no_message_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        taken(QueueMessage(**fields), READ, "writer")


@pytest.mark.parametrize("trace_id", ["a" * 32, "not hexadecimal", None, "0" * 32])
def test_what_is_sent_carries_a_trace_that_others_can_read(trace_id: str | None) -> None:
    sent = Post("writer", "p.").reply(task(trace_id=trace_id), {"api_key": "hidden"}, ok=True)
    assert (sent.topic, sent.key) == ("p.agent-queue-s", "s")
    assert "hidden" not in str(sent.value)
    assert parse_traceparent(sent.headers["traceparent"])


# -- crafts


class Model:
    """Answers what it is told to, one after the other."""

    model = "m"

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[Prompt] = []

    async def chat(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, "m", 3, 5, 0.1)


class Runs:
    """Runs nothing, and tells what it is told to."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)

    async def run(self, code: str, cases: Any) -> Outcome:
        return self._outcomes.pop(0)


async def test_a_model_is_asked_again_where_its_answer_is_of_no_use() -> None:
    model, journal = Model(BadAnswerError("?"), " ", "yes"), Journal()
    assert await journal.ask(cast(Ollama, model), Prompt("", "well?")) == "yes"
    assert [step.get("failed") for step in journal.steps] == [True, None, None]
    assert journal.told()["usage"] == {"input_tokens": 6, "output_tokens": 10}


async def test_a_model_is_not_asked_for_ever() -> None:
    for answers in ([BadAnswerError("?")] * 3, ["", " ", "\n"]):
        with pytest.raises(BadAnswerError):
            await Journal().ask(cast(Ollama, Model(*answers)), Prompt("", "well?"))


async def test_a_program_is_mended_by_what_happened_when_it_ran() -> None:
    model = Model("I cannot.", "```python\nprint(1/0)\n```", "```python\nprint(1)\n```")
    runs = Runs(
        Outcome(verdict="failed", error="ZeroDivisionError"),
        Outcome(verdict="passed", success=True, output="1\n"),
    )
    coding = Coding(cast(Ollama, model), cast(Sandbox, runs), 3)
    answer = await coding(task(payload={"text": "Print 1."}), Journal())
    assert answer.ok
    assert answer.payload["code"] == "print(1)\n"
    assert (answer.payload["output"], answer.payload["attempts"]) == ("1\n", 3)
    assert "no Python code" in model.asked[1].text
    assert "ZeroDivisionError" in model.asked[2].text


async def test_a_program_that_never_passes_is_told_with_its_code() -> None:
    runs = Runs(*[Outcome(verdict="timeout", error="wall 10 s")] * 2)
    model = Model(*["```python\nwhile True: pass\n```"] * 2)
    coding = Coding(cast(Ollama, model), cast(Sandbox, runs), 2)
    answer = await coding(task(payload={"text": "Wait."}), Journal())
    assert not answer.ok
    assert answer.payload["error"] == "timeout after 2 attempts: wall 10 s"
    assert "while True" in answer.payload["code"]
