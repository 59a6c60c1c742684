"""The rehearsal server speaks Ollama's API, and breaks it in the ways that it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from aimesh.core import prompts
from aimesh.core.answers import code_of, task_of
from aimesh.embedded.rehearsal import Fault, RehearsalServer
from aimesh.embedded.rehearsal.catalogue import catalogue
from aimesh.embedded.rehearsal.faults import NAMES

MODEL = "gemma3:1b"
EMBEDDER = "nomic-embed-text"


@pytest.fixture
async def server() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(garbage_every=0) as running:
        yield running


@pytest.fixture
async def http(server: RehearsalServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, **body: Any) -> tuple[int, Any]:
    async with http.post(path, json=body) as response:
        return response.status, await response.json()


def chat(prompt: prompts.Prompt, **more: Any) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.text},
    ]
    return {"model": MODEL, "messages": messages, "stream": False, **more}


async def test_a_chat_is_answered_in_one_piece(http: aiohttp.ClientSession) -> None:
    status, answer = await post(http, "/api/chat", **chat(prompts.brainstorm()))
    assert status == 200
    assert answer["model"] == MODEL
    assert answer["message"]["role"] == "assistant"
    assert task_of(answer["message"]["content"]) is not None
    assert answer["done"] is True
    assert answer["done_reason"] == "stop"
    for name in ("total_duration", "prompt_eval_count", "eval_count", "eval_duration"):
        assert answer[name] > 0, name


async def test_a_chat_is_streamed_by_default(http: aiohttp.ClientSession) -> None:
    entry = catalogue()[0]
    body = chat(prompts.solve(entry.statement))
    del body["stream"]
    async with http.post("/api/chat", json=body) as response:
        assert response.status == 200
        assert response.content_type == "application/x-ndjson"
        lines = [json.loads(line) async for line in response.content]
    assert len(lines) > 5
    assert all(line["done"] is False for line in lines[:-1])
    assert lines[-1]["done"] is True
    assert lines[-1]["eval_count"] > 0
    text = "".join(line["message"]["content"] for line in lines)
    assert code_of(text) == entry.wrong[0]


@pytest.mark.parametrize("stream", [True, False])
async def test_generate_answers_too(http: aiohttp.ClientSession, stream: bool) -> None:
    prompt = prompts.review("A task", "print(1)", True, "1", "passed", 1)
    body = {"model": MODEL, "system": prompt.system, "prompt": prompt.text, "stream": stream}
    async with http.post("/api/generate", json=body) as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert "> 1" in "".join(line["response"] for line in lines)
    assert lines[-1]["done"] is True


async def test_texts_are_embedded_together(http: aiohttp.ClientSession) -> None:
    status, one = await post(http, "/api/embed", model=EMBEDDER, input="Sort a list")
    assert status == 200
    _, two = await post(http, "/api/embed", model=f"{EMBEDDER}:latest", input=["Sort a list", "x"])
    assert one["embeddings"][0] == two["embeddings"][0]
    assert len(two["embeddings"]) == 2
    assert len(one["embeddings"][0]) == 256
    assert one["model"] == EMBEDDER
    assert one["total_duration"] > 0
    assert one["load_duration"] > 0
    assert one["prompt_eval_count"] == 3
    _, old = await post(http, "/api/embeddings", model=EMBEDDER, prompt="Sort a list")
    assert old == {"embedding": one["embeddings"][0]}
    _, nothing = await post(http, "/api/embed", model=EMBEDDER, input=[])
    assert nothing["embeddings"] == []
    _, small = await post(http, "/api/embed", model=EMBEDDER, input="x", dimensions=8)
    assert len(small["embeddings"][0]) == 8


async def test_it_is_announced_as_a_rehearsal(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/version") as response:
        assert (await response.json())["version"].endswith("-rehearsal")
    async with http.get("/api/tags") as response:
        models = (await response.json())["models"]
    assert [model["name"] for model in models] == [MODEL, f"{EMBEDDER}:latest"]
    assert {model["details"]["family"] for model in models} == {"rehearsal"}
    async with http.get("/api/ps") as response:
        assert len((await response.json())["models"]) == 2
    status, shown = await post(http, "/api/show", model=MODEL)
    assert status == 200
    assert shown["details"]["family"] == "rehearsal"
    assert shown["capabilities"] == ["completion"]
    async with http.get("/") as response:
        assert await response.text() == "Ollama is running"


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
async def test_head_is_answered(http: aiohttp.ClientSession, path: str) -> None:
    async with http.head(path) as response:
        assert response.status == 200


REFUSALS = {
    "no such model": ("/api/chat", {"model": "x"}, 404, "model 'x' not found"),
    "no such model, generate": ("/api/generate", {"model": "x"}, 404, "model 'x' not found"),
    "no such model, show": ("/api/show", {"model": "x"}, 404, "model 'x' not found"),
    "no such model, embed": (
        "/api/embed",
        {"model": "x", "input": "y"},
        404,
        'model "x" not found, try pulling it first',
    ),
    "no model": ("/api/chat", {"messages": []}, 400, "model is required"),
    "an embedder cannot chat": (
        "/api/chat",
        {"model": EMBEDDER},
        400,
        '"nomic-embed-text" does not support chat',
    ),
    "no thinking": (
        "/api/generate",
        {"model": MODEL, "prompt": "x", "think": True},
        400,
        '"gemma3:1b" does not support thinking',
    ),
    "a number as input": (
        "/api/embed",
        {"model": EMBEDDER, "input": 5},
        400,
        "invalid input type",
    ),
    "a wrong type": (
        "/api/chat",
        {"model": 5},
        400,
        "json: cannot unmarshal number into Go struct field .model of type string",
    ),
    "a strange role": (
        "/api/chat",
        {"model": MODEL, "messages": [{"role": "king", "content": "x"}]},
        400,
        "invalid role: 'king'",
    ),
}


@pytest.mark.parametrize(("path", "body", "status", "message"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_has_ollamas_status_and_words(
    http: aiohttp.ClientSession, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    assert await post(http, path, **body) == (status, {"error": message})


@pytest.mark.parametrize("raw", [b"", b"{", b"nonsense", b"[1]", b"\xff\xff", b"[" * 100_000])
async def test_a_bad_body_is_refused(http: aiohttp.ClientSession, raw: bytes) -> None:
    async with http.post("/api/chat", data=raw) as response:
        assert response.status == 400
        assert (await response.json())["error"]


async def test_unknown_paths_and_methods_are_refused(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/nothing") as response:
        assert (response.status, await response.text()) == (404, "404 page not found")
    async with http.get("/api/chat") as response:
        assert (response.status, await response.text()) == (405, "405 method not allowed")


async def test_a_question_without_words_loads_the_model(http: aiohttp.ClientSession) -> None:
    _, loaded = await post(http, "/api/chat", model=MODEL, messages=[])
    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    _, unloaded = await post(http, "/api/generate", model=MODEL, keep_alive=0)
    assert (unloaded["response"], unloaded["done_reason"]) == ("", "unload")


async def test_options_limit_and_format_an_answer(http: aiohttp.ClientSession) -> None:
    body = chat(prompts.brainstorm(), options={"num_predict": 5})
    _, short = await post(http, "/api/chat", **body)
    assert short["done_reason"] == "length"
    assert len(short["message"]["content"]) == 20
    _, formatted = await post(http, "/api/chat", **chat(prompts.brainstorm(), format="json"))
    assert "answer" in json.loads(formatted["message"]["content"])


async def test_calls_are_counted_by_what_they_ask(
    server: RehearsalServer, http: aiohttp.ClientSession
) -> None:
    task = catalogue()[0].statement
    for prompt in (
        prompts.brainstorm(),
        prompts.solve(task),
        prompts.solve(task, feedback=prompts.Feedback("x", "y")),
        prompts.review(task, "x", True, "y", "passed", 1),
    ):
        await post(http, "/api/chat", **chat(prompt))
    await post(http, "/api/embed", model=EMBEDDER, input="x")
    kinds = {"brainstorm": 1, "solve": 1, "fix": 1, "review": 1, "embed": 1}
    assert server.kinds == kinds
    assert server.calls["/api/chat"] == 4
    async with http.get("/rehearsal/stats") as response:
        assert (await response.json())["kinds"] == kinds


async def test_latency_delays_answers() -> None:
    async with RehearsalServer(latency=0.2) as server, aiohttp.ClientSession(server.url) as http:
        started = time.monotonic()
        await post(http, "/api/chat", **chat(prompts.brainstorm()))
        assert time.monotonic() - started >= 0.2


BROKEN = {
    "down": aiohttp.ServerDisconnectedError,
    "cut": aiohttp.ClientPayloadError,
    "hang": TimeoutError,
    "slow": TimeoutError,
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", BROKEN)
async def test_a_fault_breaks_the_next_calls_and_then_is_over(
    server: RehearsalServer,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    name: str,
    stream: bool,
) -> None:
    server.faults.add(Fault(name, count=2))
    body = chat(prompts.brainstorm(), stream=stream)
    for _ in range(2):
        with pytest.raises(BROKEN[name]):
            async with asyncio.timeout(0.3), http.post("/api/chat", json=body) as response:
                await response.read()
    assert server.faults.active == ()
    async with http.post("/api/chat", json=body) as response:
        assert (await response.read()).rstrip().endswith(b"}")
    assert caplog.records == []


@pytest.mark.parametrize(("name", "status"), [("status_500", 500), ("busy", 503), ("missing", 404)])
async def test_a_fault_can_be_an_error_of_the_server(
    server: RehearsalServer, http: aiohttp.ClientSession, name: str, status: int
) -> None:
    server.faults.add(Fault(name))
    found = await post(http, "/api/chat", **chat(prompts.brainstorm()))
    assert found[0] == status
    assert found[1]["error"]
    assert (await post(http, "/api/embed", model=EMBEDDER, input="x"))[0] == status


@pytest.mark.parametrize(("name", "least", "most"), [("empty", 0, 0), ("huge", 9e6, 1.1e7)])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_fault_can_spoil_the_text(
    server: RehearsalServer,
    http: aiohttp.ClientSession,
    name: str,
    least: float,
    most: float,
    stream: bool,
) -> None:
    server.faults.add(Fault(name, count=1))
    body = chat(prompts.brainstorm(), stream=stream)
    async with http.post("/api/chat", json=body) as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    text = "".join(line["message"]["content"] for line in lines)
    assert least <= len(text) <= most
    assert lines[-1]["done"] is True


async def test_gibberish_is_nothing_that_can_be_used(
    server: RehearsalServer, http: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("gibberish"))
    _, answer = await post(http, "/api/chat", **chat(prompts.solve("Sort a list.")))
    code = code_of(answer["message"]["content"])
    assert code is None or "def f(:" in code
    async with http.post("/api/embed", json={"model": EMBEDDER, "input": "x"}) as response:
        assert response.content_type == "text/html"


async def test_half_an_embedding_is_noticed(
    server: RehearsalServer, http: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("cut", kinds=("embed",)))
    with pytest.raises(aiohttp.ClientPayloadError):
        await post(http, "/api/embed", model=EMBEDDER, input="x")


async def test_a_missing_model_is_not_listed(
    server: RehearsalServer, http: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("missing"))
    async with http.get("/api/tags") as response:
        assert await response.json() == {"models": []}


async def test_faults_are_set_while_it_runs(http: aiohttp.ClientSession) -> None:
    status, set_ = await post(http, "/rehearsal/faults", name="busy", count=1, kinds=["review"])
    assert status == 200
    assert set_["faults"][0]["kinds"] == ["review"]
    assert set(set_["known"]) == set(NAMES)
    assert (await post(http, "/api/chat", **chat(prompts.brainstorm())))[0] == 200
    review = prompts.review("t", "c", True, "o", "passed", 1)
    assert (await post(http, "/api/chat", **chat(review)))[0] == 503
    assert (await post(http, "/api/chat", **chat(review)))[0] == 200
    await post(http, "/rehearsal/faults", faults=[{"name": "down"}, {"name": "hang"}])
    async with http.delete("/rehearsal/faults") as response:
        assert (await response.json())["faults"] == []
    await post(http, "/rehearsal/faults", name="down")
    assert (await post(http, "/rehearsal/faults", clear=True))[1]["faults"] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "rain"},
        {"name": "down", "count": "many"},
        {"name": "down", "count": 0},
        {"name": "down", "probability": 2},
        {"name": "down", "kinds": ["dance"]},
        {"name": "down", "colour": "red"},
        {"faults": ["down"]},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    server: RehearsalServer, http: aiohttp.ClientSession, fault: dict[str, Any]
) -> None:
    status, answer = await post(http, "/rehearsal/faults", **fault)
    assert status == 400
    assert answer["error"]
    assert server.faults.active == ()


async def test_a_probable_fault_hits_some_calls(
    server: RehearsalServer, http: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("status_500", probability=0.5))
    found = [(await post(http, "/api/embed", model=EMBEDDER, input="x"))[0] for _ in range(40)]
    assert 8 <= found.count(500) <= 32


async def test_stopping_does_not_wait_for_calls_that_hang(
    server: RehearsalServer, http: aiohttp.ClientSession
) -> None:
    server.faults.add(Fault("hang", kinds=("brainstorm",)))
    waiting = asyncio.create_task(post(http, "/api/chat", **chat(prompts.brainstorm())))
    while not server.kinds["brainstorm"]:
        await post(http, "/api/embed", model=EMBEDDER, input="")
    started = time.monotonic()
    await server.stop()
    assert time.monotonic() - started < 2
    with contextlib.suppress(aiohttp.ClientError):
        await waiting


def started(*options: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "aimesh.embedded.rehearsal", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_as_a_program_it_says_where_it_listens_and_ends_when_told(
    number: signal.Signals,
) -> None:
    process, line = started("--model", "tiny:1", "--fault", "busy:count=1,kinds=look")
    try:
        match = re.fullmatch(r"rehearsal model listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert match is not None
        async with aiohttp.ClientSession(match[1]) as http:
            async with http.get("/api/tags") as response:
                assert response.status == 503
            async with http.get("/api/tags") as response:
                assert (await response.json())["models"][0]["name"] == "tiny:1"
    finally:
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_as_a_program_it_refuses_what_it_cannot_do() -> None:
    bad = subprocess.run(
        [sys.executable, "-m", "aimesh.embedded.rehearsal", "--fault", "rain"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert bad.returncode == 2
    assert "'rain' is no fault" in bad.stderr


async def test_as_a_program_it_says_that_its_port_is_taken(server: RehearsalServer) -> None:
    port = server.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aimesh.embedded.rehearsal",
        "--port",
        port,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert f"cannot listen on port {port}" in errors.decode()


def test_as_a_program_it_ends_with_the_process_that_started_it() -> None:
    parent = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'aimesh.embedded.rehearsal'],"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    watched = os.pidfd_open(child)
    process.kill()
    process.communicate()
    try:
        # readable once the process has ended
        assert asyncio.run(ended(watched))
    finally:
        os.close(watched)


async def ended(pidfd: int) -> bool:
    done = asyncio.Event()
    asyncio.get_running_loop().add_reader(pidfd, done.set)
    await asyncio.wait_for(done.wait(), 10)
    asyncio.get_running_loop().remove_reader(pidfd)
    return True
