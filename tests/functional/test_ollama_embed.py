"""Embeddings through the door to the model: few requests, and each caller gets its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from aimesh.errors import BadAnswerError, UnavailableError
from aimesh.services.ollama import Ollama
from tests.model_server import ModelServer, model_server, refuses


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


@pytest.fixture
async def ollama(server: ModelServer) -> AsyncIterator[Ollama]:
    door = Ollama(server.url, "gemma3:1b", "nomic-embed-text", timeout=5.0)
    yield door
    await door.close()


async def test_each_text_has_its_vector_in_order(server: ModelServer, ollama: Ollama) -> None:
    texts = ["a", "bb", "ccc"]
    assert await ollama.embed(texts) == [server.vector(text) for text in texts]
    assert server.asked[0]["model"] == "nomic-embed-text"


async def test_no_texts_ask_nothing(server: ModelServer, ollama: Ollama) -> None:
    assert await ollama.embed([]) == []
    assert server.asked == []


async def test_calls_at_the_same_time_share_one_request(
    server: ModelServer, ollama: Ollama
) -> None:
    texts = [f"text {n}" for n in range(20)]
    answers = await asyncio.gather(*(ollama.embed([text]) for text in texts))
    assert answers == [[server.vector(text)] for text in texts]
    assert [asked["input"] for asked in server.asked] == [texts]


async def test_many_texts_go_in_requests_of_32(server: ModelServer, ollama: Ollama) -> None:
    texts = [str(n) for n in range(70)]
    calls = (ollama.embed(texts), ollama.embed(["x"]), ollama.embed(texts[:31]))
    long, one, other = await asyncio.gather(*calls)
    assert long == [server.vector(text) for text in texts]
    assert one == [server.vector("x")]
    assert other == long[:31]
    assert sorted(len(asked["input"]) for asked in server.asked) == [7, 31, 32, 32]


async def test_an_old_server_is_asked_one_by_one(server: ModelServer, ollama: Ollama) -> None:
    server.routes["/api/embed"] = refuses(404, b"404 page not found")
    for _ in range(2):
        assert await ollama.embed(["a", "b"]) == [server.vector("a"), server.vector("b")]
    paths = [asked["path"] for asked in server.asked]
    assert paths == ["/api/embed"] + ["/api/embeddings"] * 4
    assert ollama.status.ok


WRONG: dict[str, Any] = {
    "too few": {"embeddings": [[1.0, 2.0]]},
    "none": {"embeddings": None},
    "nothing": {},
    "empty": {"embeddings": [[], []]},
    "no list": {"embeddings": [1.0, 2.0]},
    "no number": {"embeddings": [["a"], ["b"]]},
    "not a number": {"embeddings": [[float("nan")], [1.0]]},
    "infinite": {"embeddings": [[float("inf")], [1.0]]},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
async def test_vectors_that_cannot_be_used_are_a_bad_answer(
    server: ModelServer, ollama: Ollama, body: dict[str, Any]
) -> None:
    server.routes["/api/embed"] = refuses(200, json.dumps(body).encode())
    with pytest.raises(BadAnswerError, match="embedding"):
        await ollama.embed(["a", "b"])


async def test_one_text_that_is_refused_does_not_spoil_the_others(
    server: ModelServer, ollama: Ollama
) -> None:
    async def refuse_bad(request: web.Request) -> web.StreamResponse:
        if "bad" in server.asked[-1]["input"]:
            return web.json_response({"error": "cannot embed this"}, status=400)
        return await server.embed(request)

    server.routes["/api/embed"] = refuse_bad
    answers = await asyncio.gather(
        *(ollama.embed([text]) for text in ("a", "bad", "c")), return_exceptions=True
    )
    assert answers[0] == [server.vector("a")]
    assert isinstance(answers[1], BadAnswerError)
    assert answers[2] == [server.vector("c")]


async def test_a_failure_reaches_every_caller(server: ModelServer, ollama: Ollama) -> None:
    server.routes["/api/embed"] = refuses(500, {"error": "boom"})
    answers = await asyncio.gather(
        *(ollama.embed([str(n)]) for n in range(3)), return_exceptions=True
    )
    assert all(isinstance(answer, UnavailableError) for answer in answers)
    assert len(server.asked) == 1


async def test_a_caller_that_gives_up_does_not_disturb_the_others(
    server: ModelServer, ollama: Ollama
) -> None:
    leaver = asyncio.create_task(ollama.embed(["a"]))
    stayer = asyncio.create_task(ollama.embed(["b"]))
    await asyncio.sleep(0)
    leaver.cancel()
    assert await stayer == [server.vector("b")]
    assert leaver.cancelled()
    assert server.asked[0]["input"] == ["b"]


async def test_closing_the_door_ends_those_who_wait(server: ModelServer, ollama: Ollama) -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    server.routes["/api/embed"] = never
    sent = asyncio.create_task(ollama.embed(["a"]))
    await asyncio.wait_for(server.entered.wait(), 5)
    waiting = asyncio.create_task(ollama.embed(["b"]))
    await asyncio.sleep(0)
    await ollama.close()
    for task in (sent, waiting):
        with pytest.raises(asyncio.CancelledError):
            await task
