"""The door to the language model, against a server that answers as Ollama does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from aimesh.core.prompts import Prompt
from aimesh.embedded.ports import free_port
from aimesh.errors import BadAnswerError, MeshError, ModelMissingError, UnavailableError
from aimesh.services.ollama import Ollama
from aimesh.services.ollama_wire import ANSWER_LIMIT, CUT_MARK, LINE_LIMIT
from tests.model_server import ModelServer, done, hang, model_server, piece, refuses, reset

PROMPT = Prompt("You write Python.", "Reverse a list.")
MISSING = {"error": "model 'gemma3:1b' not found"}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


@pytest.fixture
async def ollama(server: ModelServer) -> AsyncIterator[Ollama]:
    door = Ollama(server.url, "gemma3:1b", "nomic-embed-text", timeout=5.0, idle_timeout=2.0)
    yield door
    await door.close()


@pytest.fixture
async def hasty(server: ModelServer) -> AsyncIterator[Ollama]:
    door = Ollama(server.url, "gemma3:1b", "nomic-embed-text", timeout=0.8, idle_timeout=0.15)
    yield door
    await door.close()


async def test_an_answer_is_put_together_with_what_it_cost(
    server: ModelServer, ollama: Ollama
) -> None:
    answer = await ollama.chat(PROMPT)
    assert (answer.text, answer.model) == ("Hello", "gemma3:1b")
    assert (answer.input_tokens, answer.output_tokens) == (11, 7)
    assert 0 <= answer.duration_s < 5
    assert server.asked == [
        {
            "path": "/api/chat",
            "model": "gemma3:1b",
            "stream": True,
            "messages": [
                {"role": "system", "content": "You write Python."},
                {"role": "user", "content": "Reverse a list."},
            ],
        }
    ]


async def test_a_prompt_without_system_sends_none(server: ModelServer, ollama: Ollama) -> None:
    await ollama.chat(Prompt("", "Hi"))
    assert [message["role"] for message in server.asked[0]["messages"]] == ["user"]


async def test_a_prompt_with_a_lone_surrogate_reaches_the_model(
    server: ModelServer, ollama: Ollama
) -> None:
    await ollama.chat(Prompt("", "a\udc80\0é🧠"))
    assert server.asked[0]["messages"][0]["content"] == "a\udc80\0é🧠"


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_an_answer_may_be_broken_into_chunks_anywhere(
    server: ModelServer, ollama: Ollama, size: int
) -> None:
    whole = b"\n".join([piece("🧠 é"), piece(" end"), done()]).rstrip()
    server.chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert (await ollama.chat(PROMPT)).text == "🧠 é end"


async def test_a_server_that_does_not_stream_is_understood(
    server: ModelServer, ollama: Ollama
) -> None:
    server.chunks = [piece("all at once", done=True)]
    answer = await ollama.chat(PROMPT)
    assert (answer.text, answer.input_tokens) == ("all at once", None)


async def test_thoughts_are_not_the_answer(server: ModelServer, ollama: Ollama) -> None:
    thought = {"role": "assistant", "content": "", "thinking": "hmm"}
    server.chunks = [piece("", message=thought), piece("yes"), done()]
    assert (await ollama.chat(PROMPT)).text == "yes"


async def test_an_endless_answer_is_cut_marked_and_hung_up(
    server: ModelServer, ollama: Ollama
) -> None:
    server.chunks = [piece("é" * 5000)] * 100
    server.then = hang
    answer = await ollama.chat(PROMPT)
    assert answer.text.endswith(CUT_MARK)
    assert len(answer.text.removesuffix(CUT_MARK).encode()) == ANSWER_LIMIT
    await asyncio.wait_for(server.left.wait(), 5)
    assert ollama.status.ok


UNUSABLE = {
    "empty": ([done()], "empty"),
    "blank": ([piece(" \n"), done()], "empty"),
    "only thoughts": ([piece("", message={"thinking": "hmm"}), done()], "thought but did not"),
    "half": ([piece("def f(")], "half an answer"),
    "nothing": ([], "half an answer"),
    "no JSON": ([b"<html>502</html>\n"], "else than JSON: '<html>502"),
    "no object": ([b"[1]\n"], "else than JSON"),
    "nested too deep": ([b"[" * 100_000 + b"\n"], "else than JSON"),
    "half a line": ([piece("a"), b'{"model": "gem'], "else than JSON"),
    "bytes": ([b"\xff\xfe\n"], "else than JSON"),
    "failed on the way": (
        [piece("a"), b'{"error":"an error was encountered while running the model"}\n'],
        "failed while it answered: an error was",
    ),
    "a line without end": ([b" " * (LINE_LIMIT + 1)], "line without end"),
}


@pytest.mark.parametrize(("chunks", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_an_answer_that_cannot_be_used_says_why(
    server: ModelServer, ollama: Ollama, chunks: list[bytes], message: str
) -> None:
    server.chunks = chunks
    with pytest.raises(BadAnswerError, match=message):
        await ollama.chat(PROMPT)
    assert ollama.status.ok  # the server is there


REFUSALS: dict[str, tuple[int, bytes | dict[str, str], type[MeshError], str]] = {
    "model missing": (404, MISSING, ModelMissingError, r"\(ollama pull gemma3:1b\)"),
    "no such path": (404, b"404 page not found", UnavailableError, "OLLAMA_BASE_URL"),
    "failed": (500, {"error": "llama runner process has terminated"}, UnavailableError, "llama"),
    "gateway": (502, b"<html>bad gateway</html>", UnavailableError, "HTTP 502: <html>bad"),
    "busy": (503, {"error": "server busy"}, UnavailableError, "AIMESH_LLM_CONCURRENCY"),
    "too many": (429, {"error": "slow down"}, UnavailableError, "slow down"),
    "forbidden": (403, b"", UnavailableError, "HTTP 403"),
    "moved": (301, b"", UnavailableError, "HTTP 301"),
    "bad request": (400, {"error": "does not support chat"}, BadAnswerError, "not support chat"),
    "long story": (400, b"x" * 100_000, BadAnswerError, "longer than"),
}


@pytest.mark.parametrize(("status", "body", "kind", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_the_right_error_and_says_what_to_do(
    server: ModelServer,
    ollama: Ollama,
    status: int,
    body: bytes | dict[str, str],
    kind: type[MeshError],
    message: str,
) -> None:
    server.routes["/api/chat"] = refuses(status, body)
    with pytest.raises(kind, match=message) as caught:
        await ollama.chat(PROMPT)
    assert type(caught.value) in (kind, *kind.__subclasses__())
    assert ollama.status.ok is (kind is BadAnswerError)


async def test_how_long_to_wait_is_told_when_the_server_says_so(
    server: ModelServer, ollama: Ollama
) -> None:
    async def waits(text: str) -> float | None:
        server.routes["/api/chat"] = refuses(429, {"error": "slow"}, **{"Retry-After": text})
        with pytest.raises(UnavailableError) as caught:
            await ollama.chat(PROMPT)
        return caught.value.retry_after

    assert await waits("7") == 7.0
    later = await waits(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert later is not None
    assert 50 < later <= 60
    assert await waits("Mon, 01 Jan 2001 00:00:00 GMT") == 0.0
    assert await waits("soon") is None
    assert await waits("") is None


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    door = Ollama(f"http://127.0.0.1:{free_port()}", "m", "e")
    for call in (door.chat(PROMPT), door.embed(["a"]), door.models()):
        with pytest.raises(UnavailableError, match="ollama serve"):
            await call
    assert door.status.ok is False
    assert "127.0.0.1" in door.status.reason
    await door.close()


async def test_an_address_that_is_none_is_unavailable() -> None:
    door = Ollama("http://[", "m", "e")
    with pytest.raises(UnavailableError, match="OLLAMA_BASE_URL"):
        await door.chat(PROMPT)
    await door.close()


@pytest.mark.parametrize("chunks", [[], [piece("half")]], ids=["at once", "in the middle"])
async def test_a_connection_that_breaks_is_unavailable(
    server: ModelServer, ollama: Ollama, chunks: list[bytes]
) -> None:
    server.chunks, server.then = chunks, reset
    with pytest.raises(UnavailableError, match="no answer from"):
        await ollama.chat(PROMPT)


async def test_a_server_that_hangs_up_without_a_word_is_unavailable(
    server: ModelServer, ollama: Ollama
) -> None:
    async def silent(request: web.Request) -> web.Response:
        await reset(request)
        return web.Response()

    server.routes["/api/chat"] = silent
    with pytest.raises(UnavailableError, match="no answer from"):
        await ollama.chat(PROMPT)


async def test_an_answer_that_never_begins_ends_at_the_deadline(
    server: ModelServer, hasty: Ollama
) -> None:
    server.chunks, server.then = [], hang
    with pytest.raises(UnavailableError, match=r"within 0\.8 s"):
        await hasty.chat(PROMPT)
    await asyncio.wait_for(server.left.wait(), 5)


async def test_an_answer_that_stops_in_the_middle_ends_at_the_shorter_deadline(
    server: ModelServer, hasty: Ollama
) -> None:
    server.chunks, server.then = [piece("def")], hang
    with pytest.raises(UnavailableError, match=r"stopped for 0\.15 s"):
        await hasty.chat(PROMPT)
    await asyncio.wait_for(server.left.wait(), 5)


async def test_an_answer_that_trickles_for_ever_ends_at_the_deadline(
    server: ModelServer, hasty: Ollama
) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(piece("."))
            await asyncio.sleep(0.02)

    server.routes["/api/chat"] = trickle
    with pytest.raises(UnavailableError, match=r"within 0\.8 s"):
        await hasty.chat(PROMPT)


async def test_an_answer_whose_caller_gives_up_is_hung_up_and_frees_its_place(
    server: ModelServer,
) -> None:
    door = Ollama(server.url, "m", "e", concurrency=1)
    server.then = hang
    server.chunks = [piece("a")]
    asking = asyncio.create_task(door.chat(PROMPT))
    await asyncio.wait_for(server.entered.wait(), 5)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(server.left.wait(), 5)
    server.then, server.chunks = None, [piece("b"), done()]
    assert (await door.chat(PROMPT)).text == "b"
    await door.close()


async def test_no_more_answers_run_at_once_than_allowed(server: ModelServer) -> None:
    pairs = asyncio.Barrier(2)

    async def meet(request: web.Request) -> None:
        await pairs.wait()

    server.then = meet
    door = Ollama(server.url, "m", "e", concurrency=2)
    await asyncio.gather(*(door.chat(PROMPT) for _ in range(8)))
    assert server.most_active == 2
    await door.close()


async def test_the_status_tells_what_is_wrong_and_since_when(
    server: ModelServer, ollama: Ollama
) -> None:
    assert ollama.status.ok is None
    await ollama.chat(PROMPT)
    well = ollama.status
    assert (well.name, well.ok, well.reason) == ("ollama", True, "")
    server.routes["/api/chat"] = refuses(500, {"error": "boom"})
    with pytest.raises(UnavailableError):
        await ollama.chat(PROMPT)
    unwell = ollama.status
    assert (unwell.ok, unwell.reason) == (False, "HTTP 500: boom")
    assert unwell.since >= well.since
    with pytest.raises(UnavailableError):
        await ollama.chat(PROMPT)
    assert ollama.status == unwell
    server.routes.clear()
    assert await ollama.version() == "0.12.3"
    assert ollama.status.ok


async def test_a_missing_model_stays_a_fault_while_the_other_answers(
    server: ModelServer, ollama: Ollama
) -> None:
    server.routes["/api/embed"] = refuses(404, {"error": "model 'nomic-embed-text' not found"})
    with pytest.raises(ModelMissingError):
        await ollama.embed(["a"])
    await ollama.chat(PROMPT)
    assert ollama.status.ok is False
    assert ollama.status.remedy == "ollama pull nomic-embed-text"
    server.routes.clear()
    await ollama.embed(["a"])
    assert ollama.status.ok


async def test_nothing_of_a_prompt_or_an_answer_is_logged(
    server: ModelServer, ollama: Ollama, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await ollama.chat(PROMPT)
    server.chunks = [piece("half")]
    with pytest.raises(BadAnswerError):
        await ollama.chat(PROMPT)
    assert "Reverse" not in caplog.text
    assert "Hello" not in caplog.text


async def test_what_the_server_has_and_runs(ollama: Ollama) -> None:
    assert await ollama.models() == ["gemma3:1b", "b:latest"]
    assert await ollama.running() == [{"name": "gemma3:1b", "size_vram": 5}]
    assert await ollama.version() == "0.12.3"


async def test_lists_that_are_none_are_empty(server: ModelServer, ollama: Ollama) -> None:
    server.routes["/api/tags"] = server.routes["/api/ps"] = refuses(200, {"models": None})
    assert await ollama.models() == []
    assert await ollama.running() == []


async def test_a_closed_door_opens_again(server: ModelServer, ollama: Ollama) -> None:
    await ollama.chat(PROMPT)
    await ollama.close()
    assert (await ollama.chat(PROMPT)).text == "Hello"
