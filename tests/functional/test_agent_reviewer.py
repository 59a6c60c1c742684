"""The reviewer: looks at final verdicts alone, and never loses one for want of a review."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from aimesh.agents.reviewer import ASKED_AT_MOST, Reviewer, admit
from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.errors import UnavailableError
from aimesh.records import Review, Verdict
from aimesh.services.ollama import Ollama
from aimesh.stage import Skipped
from tests.agents import Outbox, Place, job
from tests.model_server import ModelServer, done, model_server, piece, refuses
from tests.waiting import until

PASSED: dict[str, Any] = {
    "task_id": "t-1",
    "task": "Print forty-two.",
    "attempt": 2,
    "solution": "print(42)\n",
    "success": True,
    "exec_output": "42\n",
    "verdict": "passed",
    "final": True,
}
FAILED = PASSED | {"success": False, "exec_output": "", "verdict": "timeout", "attempt": 3}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        running.chunks = [piece("Well "), piece("done."), done()]
        yield running


async def reviewed(url: str, verdict: Verdict, outbox: Outbox | None = None) -> Review:
    ollama = Ollama(url, "gemma3:1b", "nomic-embed-text")
    agent = Reviewer(ollama, (outbox or Outbox()).teller("reviewer"), "ai_reviews")
    try:
        [send] = await agent.work(verdict, job())
    finally:
        await ollama.close()
    assert send.topic == "ai_reviews"
    assert isinstance(send.value, Review)
    return send.value


def test_a_verdict_that_another_attempt_follows_is_skipped() -> None:
    with pytest.raises(Skipped):
        admit(Verdict(**FAILED | {"final": False}), Place())


@pytest.mark.parametrize("fields", [PASSED, FAILED], ids=["passed", "exhausted"])
def test_a_final_verdict_is_taken(fields: dict[str, Any]) -> None:
    assert admit(Verdict(**fields), Place()).task_id == "t-1"


async def test_a_review_carries_what_the_archive_needs(server: ModelServer) -> None:
    review = await reviewed(server.url, Verdict(**PASSED))
    assert review.review == "Well done."
    assert (review.task_id, review.task) == ("t-1", "Print forty-two.")
    assert (review.solution, review.exec_output) == ("print(42)\n", "42\n")
    assert (review.success, review.attempts, review.verdict) == (True, 2, "passed")
    assert (review.model, review.input_tokens, review.output_tokens) == ("gemma3:1b", 11, 7)
    assert review.created_at


async def test_the_model_is_shown_the_code_and_what_it_printed(server: ModelServer) -> None:
    await reviewed(server.url, Verdict(**FAILED | {"exec_output": "Killed after 5 s"}))
    question = server.asked[0]["messages"][-1]["content"]
    for part in ("Print forty-two.", "print(42)", "Killed after 5 s", "timeout", "3 attempts"):
        assert part in question


async def test_the_rehearsal_model_quotes_what_the_code_printed() -> None:
    async with RehearsalServer() as model:
        review = await reviewed(model.url, Verdict(**PASSED))
    assert "42" in review.review


async def test_an_unusable_answer_is_asked_again(server: ModelServer) -> None:
    bodies = [b"nonsense\n", piece("Fine.") + done()]

    async def chat(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bodies.pop(0))

    server.routes["/api/chat"] = chat
    outbox = Outbox()
    review = await reviewed(server.url, Verdict(**PASSED), outbox)
    assert review.review == "Fine."
    await until(outbox.lines)
    assert outbox.lines()[0].startswith("no usable review")


async def test_the_verdict_stands_when_the_model_never_gives_a_usable_review(
    server: ModelServer,
) -> None:
    server.chunks = [b"nonsense\n"]
    review = await reviewed(server.url, Verdict(**FAILED))
    assert len(server.asked) == ASKED_AT_MOST
    assert review.review.startswith(f"(no review: asked {ASKED_AT_MOST} times")
    assert (review.success, review.solution) == (False, "print(42)\n")
    assert review.model == "gemma3:1b"


async def test_a_model_that_is_down_is_waited_for(server: ModelServer) -> None:
    server.routes["/api/chat"] = refuses(503, {"error": "busy"})
    with pytest.raises(UnavailableError):
        await reviewed(server.url, Verdict(**PASSED))
