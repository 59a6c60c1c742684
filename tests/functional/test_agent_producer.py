"""The producer: one task for a fresh ACTIVE decision, none too often, and none twice."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aimesh.agents.producer import ASKED_AGAIN, FRESH_SECONDS, Producer
from aimesh.core.governing import ACTIVE, THROTTLED
from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.errors import UnavailableError
from aimesh.records import GovernorDecision, Task
from aimesh.services.memory import Experience, Memory
from aimesh.services.ollama import Ollama
from aimesh.stage import Skipped
from tests.agents import Outbox, Place, job
from tests.clock import Clock
from tests.embedding import Embedder
from tests.model_server import ModelServer, done, model_server, piece
from tests.waiting import until

SORT = "Write a Python function `sort(xs)` that sorts a list.\n\nExample: sort([2, 1]) -> [1, 2]"
HEAP = "Build a heap out of numbers, and take the least one away, again and again."
PLACE = Place("ai_governor", 0, 1)


class Setup:
    """A producer with a clock of its own, and what it is made of."""

    def __init__(self, ollama: Ollama, memory: Memory, embed: Embedder) -> None:
        self.outbox = Outbox()
        self.clock = Clock()
        self.busy = False
        self.memory = memory
        self.embed = embed
        self.agent = Producer(
            ollama,
            memory,
            self.outbox.teller("producer"),
            tasks="ai_topic",
            interval=10.0,
            similarity_limit=0.92,
            is_busy=lambda: self.busy,
            clock=self.clock,
        )

    def takes(self, decision: GovernorDecision) -> bool:
        """Whether it makes a task for a decision."""
        try:
            self.agent.admit(decision, PLACE)
        except Skipped:
            return False
        return True

    async def makes(self, task_id: str = "p-1") -> list[Task]:
        """The tasks that come of one decision."""
        decision = decided()
        decision.task_id = task_id
        sends = await self.agent.work(decision, job(task_id))
        assert all(send.topic == "ai_topic" for send in sends)
        return [send.value for send in sends if isinstance(send.value, Task)]

    async def knows(self, *texts: str) -> None:
        """Have these tasks been posed earlier."""
        await self.memory.remember(
            [Experience(f"e-{n}", 1, "task", text) for n, text in enumerate(texts)]
        )


@asynccontextmanager
async def prepared(url: str, folder: Path, similar: bool = False) -> AsyncIterator[Setup]:
    ollama, embed = Ollama(url, "gemma3:1b", "nomic-embed-text"), Embedder()
    memory = Memory(
        ollama.embed if similar else embed, url="", folder=folder, embed_model="nomic-embed-text"
    )
    try:
        yield Setup(ollama, memory, embed)
    finally:
        await memory.close()
        await ollama.close()


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


@pytest.fixture
async def setup(server: ModelServer, tmp_path: Path) -> AsyncIterator[Setup]:
    async with prepared(server.url, tmp_path) as made:
        yield made


def decided(state: str = ACTIVE, *, age: float = 0.0, kind: str = "decision") -> GovernorDecision:
    ts = datetime.fromtimestamp(time.time() - age, UTC).isoformat()
    return GovernorDecision(
        type=kind, decision_id="d1", state=state, reason="the lag is 7, the threshold 3", ts=ts
    )


def answers(server: ModelServer, *texts: str) -> None:
    """Have the model give these answers, the last one ever after."""
    left = list(texts)

    async def chat(request: web.Request) -> web.StreamResponse:
        text = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(body=piece(text) + done(), content_type="application/x-ndjson")

    server.routes["/api/chat"] = chat


def prompts_of(server: ModelServer) -> list[str]:
    return [str(asked["messages"][-1]["content"]) for asked in server.asked]


# -- which decisions become tasks


async def test_a_fresh_active_decision_is_taken_under_an_id_of_its_own(setup: Setup) -> None:
    assert setup.agent.admit(decided(), PLACE).task_id == "p-d1"


@pytest.mark.parametrize(
    "record",
    [
        {"age": FRESH_SECONDS + 1},
        {"state": THROTTLED},
        {"state": ""},
        {"kind": "lag"},
        {"kind": "stage"},
    ],
    ids=["stale", "throttled", "no state", "lag sample", "stage report"],
)
async def test_every_other_record_is_skipped(setup: Setup, record: dict[str, Any]) -> None:
    assert not setup.takes(decided(**record))


async def test_a_decision_without_a_time_counts_as_stale(setup: Setup) -> None:
    assert not setup.takes(GovernorDecision(type="decision", state=ACTIVE, ts="yesterday"))


async def test_tasks_are_an_interval_apart(setup: Setup) -> None:
    assert setup.takes(decided())
    setup.clock.now += 9.9
    assert not setup.takes(decided())
    setup.clock.now += 0.2
    assert setup.takes(decided())


async def test_one_task_is_made_at_a_time(setup: Setup) -> None:
    setup.busy = True
    assert not setup.takes(decided())
    setup.busy = False
    assert setup.takes(decided())


async def test_throttling_is_told_once_with_figure_and_threshold(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        setup.takes(decided(THROTTLED))
    await until(setup.outbox.lines)
    expected = "LAG TOO HIGH. Throttling... the lag is 7, the threshold 3"
    assert setup.outbox.lines() == [expected]
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [expected]


async def test_that_it_goes_on_is_told_too(setup: Setup) -> None:
    for state in (THROTTLED, ACTIVE, ACTIVE):
        setup.takes(decided(state))
    await until(lambda: len(setup.outbox.lines()) == 2)
    assert setup.outbox.lines()[1].startswith("Lag is fine, producing.")


async def test_a_stale_decision_tells_nothing(setup: Setup) -> None:
    setup.takes(decided(THROTTLED, age=60))
    setup.takes(decided())
    await until(setup.outbox.lines)
    assert "LAG TOO HIGH" not in "".join(setup.outbox.lines())


# -- making one


async def test_a_new_task_is_sent_with_its_cases_and_remembered(
    setup: Setup, server: ModelServer
) -> None:
    answers(server, f"Sure, here is one:\n\n{SORT}")
    [task] = await setup.makes("p-7")
    assert task.task == SORT
    assert (task.task_id, task.source, task.attempt) == ("p-7", "producer", 1)
    assert task.cases == [{"call": "sort([2, 1])", "expected": "[1, 2]"}]
    assert task.created_at
    assert [memory.task for memory in await setup.memory.nearest(SORT)] == [SORT]


async def test_what_is_remembered_is_named_as_known_before_anything_is_proposed(
    setup: Setup, server: ModelServer
) -> None:
    await setup.knows("A coding task about data structures: merge two trees.")
    answers(server, SORT)
    assert await setup.makes()
    assert "merge two trees" in prompts_of(server)[0]


async def test_a_proposal_near_an_earlier_task_is_asked_again_naming_the_near_one(
    setup: Setup, server: ModelServer
) -> None:
    await setup.knows(SORT)
    again = SORT.replace("that sorts", "which sorts")
    answers(server, again, again, HEAP)
    [task] = await setup.makes()
    assert task.task == HEAP
    first, second, third = prompts_of(server)
    assert "which sorts" not in first
    for text in ("that sorts a list", "which sorts a list"):
        assert text in second
        assert text in third
    await until(lambda: len(setup.outbox.lines()) == 2)
    assert setup.outbox.lines()[0].startswith("too close to an earlier task: Write a Python")


async def test_after_three_more_questions_it_waits_for_the_next_decision(
    setup: Setup, server: ModelServer
) -> None:
    await setup.knows(SORT)
    answers(server, SORT)
    assert await setup.makes() == []
    assert ASKED_AGAIN == 3
    assert len(server.asked) == 4
    await until(lambda: len(setup.outbox.lines()) == 5)
    assert setup.outbox.lines()[-1].startswith("no new task came to mind")


@pytest.mark.parametrize("bad", ["", "ok", "{}"])
async def test_an_answer_that_is_no_task_is_asked_again(
    setup: Setup, server: ModelServer, bad: str
) -> None:
    answers(server, bad, SORT)
    [task] = await setup.makes()
    assert task.task == SORT


async def test_a_memory_that_is_down_holds_nothing_up(setup: Setup, server: ModelServer) -> None:
    setup.embed.fault = UnavailableError("ollama", "no embeddings today")
    answers(server, SORT)
    [task] = await setup.makes()
    assert task.task == SORT
    assert setup.memory.status.ok is False


async def test_a_model_that_is_down_is_waited_for(setup: Setup, server: ModelServer) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "busy"}, status=503)

    server.routes["/api/chat"] = refuse
    with pytest.raises(UnavailableError):
        await setup.makes()


async def test_no_task_is_posed_twice_in_a_rehearsal_even_after_a_restart(tmp_path: Path) -> None:
    made: list[str] = []
    for _ in range(2):  # the second time the model begins anew, the memory does not
        async with (
            RehearsalServer() as model,
            prepared(model.url, tmp_path, similar=True) as setup,
        ):
            for n in range(15):
                made += [task.task for task in await setup.makes(f"p-{len(made)}-{n}")]
    assert len(made) >= 25
    assert len(set(made)) == len(made)
