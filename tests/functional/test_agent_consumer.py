"""The consumer: makes any program's task a full citizen, and always comes to a solution."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aimesh.agents.consumer import MOST_CODE_BYTES, MOST_TASK_BYTES, Consumer, admit
from aimesh.records import Solution, Task
from aimesh.services.memory import Experience, Memory
from aimesh.services.ollama import Ollama
from aimesh.stage import Rejected
from tests.agents import Outbox, Place, job
from tests.model_server import ModelServer, done, model_server, piece
from tests.waiting import until

CODE = "def add(a, b):\n    return a + b\n"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        running.chunks = [piece(f"Here:\n```python\n{CODE}```"), done()]
        yield running


@pytest.fixture
async def ollama(server: ModelServer) -> AsyncIterator[Ollama]:
    door = Ollama(server.url, "gemma3:1b", "nomic-embed-text")
    yield door
    await door.close()


@pytest.fixture
async def memory(ollama: Ollama, tmp_path: Path) -> AsyncIterator[Memory]:
    door = Memory(ollama.embed, url="", folder=tmp_path, embed_model="nomic-embed-text")
    yield door
    await door.close()


async def solved(ollama: Ollama, memory: Memory, task: Task, outbox: Outbox) -> Solution:
    agent = Consumer(ollama, memory, outbox.teller(), "ai_solutions")
    sends = await agent.work(task, job(task.task_id, task.attempt))
    assert [send.topic for send in sends] == ["ai_solutions"]
    solution = sends[0].value
    assert isinstance(solution, Solution)
    return solution


def prompt_of(server: ModelServer) -> str:
    asked = [question for question in server.asked if question["path"] == "/api/chat"]
    return str(asked[-1]["messages"][-1]["content"])


# -- which messages become tasks


def test_a_bare_task_gets_an_id_from_its_place_so_that_a_redelivery_gets_the_same() -> None:
    first = admit(Task(task="Add two numbers"), Place("ai_topic", 2, 7))
    again = admit(Task(task="Add two numbers"), Place("ai_topic", 2, 7))
    other = admit(Task(task="Add two numbers"), Place("ai_topic", 2, 8))
    assert first.task_id == again.task_id == "x-ai_topic-2-7"
    assert other.task_id != first.task_id
    assert first.created_at
    assert first.source == "external"


def test_a_task_with_an_id_keeps_it() -> None:
    assert admit(Task(task="Add", task_id="mine"), Place()).task_id == "mine"


def test_example_cases_are_read_from_the_text_unless_the_task_brings_its_own() -> None:
    text = "Write add(a, b).\n\nExample: add(1, 2) -> 3"
    own = [{"call": "add(5, 5)", "expected": "10"}]
    assert admit(Task(task=text), Place()).cases == [{"call": "add(1, 2)", "expected": "3"}]
    assert admit(Task(task=text, cases=list(own)), Place()).cases == own


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (Task(task=""), "no text"),
        (Task(task=" \n\t"), "no text"),
        (Task(task="x" * (MOST_TASK_BYTES + 1)), f"{MOST_TASK_BYTES + 1} bytes"),
        (Task(task="ä" * (MOST_TASK_BYTES // 2 + 1)), f"{MOST_TASK_BYTES + 2} bytes"),
        (Task(task="Add", attempt=0), "attempt"),
    ],
)
def test_what_cannot_be_a_task_is_rejected_with_the_reason(task: Task, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        admit(task, Place())


def test_a_task_of_just_the_greatest_size_is_taken() -> None:
    assert admit(Task(task="x" * MOST_TASK_BYTES), Place()).task_id


# -- what comes of them


async def test_the_code_is_taken_out_of_the_answer(ollama: Ollama, memory: Memory) -> None:
    task = Task(task="Add two numbers", task_id="t", cases=[{"call": "add(1, 1)", "expected": "2"}])
    solution = await solved(ollama, memory, task, Outbox())
    assert solution.solution == CODE
    assert solution.answer.startswith("Here:")
    assert (solution.task_id, solution.attempt) == ("t", 1)
    assert (solution.input_tokens, solution.output_tokens) == (11, 7)
    assert solution.model == "gemma3:1b"
    assert solution.duration_s > 0
    assert solution.cases == task.cases


async def test_a_first_attempt_asks_with_the_hidden_cases_and_without_feedback(
    server: ModelServer, ollama: Ollama, memory: Memory
) -> None:
    task = Task(
        task="Add two numbers", task_id="t", cases=[{"call": "add(1, 1)", "expected": "2"}, "odd"]
    )
    await solved(ollama, memory, task, Outbox())
    assert "<task>\nAdd two numbers\n</task>" in prompt_of(server)
    assert "add(1, 1) -> 2" in prompt_of(server)
    assert "failed" not in prompt_of(server)


async def test_a_fix_request_asks_with_the_failing_code_and_its_error(
    server: ModelServer, ollama: Ollama, memory: Memory
) -> None:
    feedback = {"code": "def add(): pass", "error": "TypeError: add() takes 0 arguments"}
    task = Task(task="Add two numbers", task_id="t", attempt=2, feedback=feedback)
    solution = await solved(ollama, memory, task, Outbox())
    assert "<code>\ndef add(): pass\n</code>" in prompt_of(server)
    assert "TypeError: add() takes 0 arguments" in prompt_of(server)
    assert solution.attempt == 2
    assert solution.feedback == feedback


async def test_memories_of_failures_and_patterns_get_into_the_prompt(
    server: ModelServer, ollama: Ollama, memory: Memory
) -> None:
    await memory.remember(
        [
            Experience("a", 1, "failure", "Add three numbers", "def bad(): 1", "NameError: add"),
            Experience("b", 1, "pattern", "Add four numbers", "def good(): 2"),
            Experience("c", 1, "task", "Add five numbers"),
        ]
    )
    solution = await solved(ollama, memory, Task(task="Add two numbers", task_id="t"), Outbox())
    prompt = prompt_of(server)
    assert "def bad(): 1" in prompt
    assert "NameError: add" in prompt
    assert "def good(): 2" in prompt
    assert "Add five numbers" not in prompt
    assert {m["kind"] for m in solution.memories} == {"failure", "pattern"}
    assert all(m["score"] > 0 for m in solution.memories)


@pytest.mark.parametrize("answer", ["I would rather not.", "```text\nstep 1\n```"])
async def test_an_answer_without_code_is_a_solution_without_code(
    server: ModelServer, ollama: Ollama, memory: Memory, answer: str
) -> None:
    server.chunks = [piece(answer), done()]
    solution = await solved(ollama, memory, Task(task="Add", task_id="t"), Outbox())
    assert solution.solution == ""
    assert solution.answer == answer


async def test_an_answer_that_cannot_be_used_is_a_solution_without_code_and_is_told(
    server: ModelServer, ollama: Ollama, memory: Memory
) -> None:
    server.chunks = [b'{"no": "message"}\n', b"\xff\xfe\n"]
    outbox = Outbox()
    solution = await solved(ollama, memory, Task(task="Add", task_id="t"), outbox)
    assert solution.solution == solution.answer == ""
    assert solution.model == "gemma3:1b"
    await until(outbox.lines)
    assert outbox.lines()[0].startswith("no usable answer")


async def test_code_of_any_size_gives_a_solution_that_kafka_takes(
    server: ModelServer, ollama: Ollama, memory: Memory
) -> None:
    lines = "\n".join(f"x{n} = {n}" for n in range(20_000))
    server.chunks = [piece(f"```python\n{lines}\n```"), done()]
    solution = await solved(ollama, memory, Task(task="Count", task_id="t"), Outbox())
    assert 0 < len(solution.solution.encode()) <= MOST_CODE_BYTES
