"""The memory on a Qdrant server, which may be down, slow or wrong."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from qdrant_client.models import Distance, VectorParams

from aimesh.embedded.ports import free_port
from aimesh.errors import UnavailableError
from aimesh.services.memory import Experience, Memory
from aimesh.services.memory.gate import Gate
from tests.clock import Clock
from tests.embedding import Embedder
from tests.qdrant_server import QdrantServer, hang, qdrant_server, refused

REVERSE = "write a function that reverses a list"
FAILED = Experience("t1", 1, "failure", REVERSE, "def f(", "SyntaxError")
PASSED = Experience("t1", 2, "pattern", REVERSE, "def f(x): return x[::-1]")
POSED = Experience("t1", 1, "task", REVERSE)
NAME = "aimesh-words-64"


@pytest.fixture
async def server() -> AsyncIterator[QdrantServer]:
    async with qdrant_server() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def memory(server: QdrantServer, clock: Clock) -> AsyncIterator[Memory]:
    async with opened(server.url, clock) as door:
        yield door


@asynccontextmanager
async def opened(url: str, clock: Clock, **more: Any) -> AsyncIterator[Memory]:
    more.setdefault("timeout", 5.0)
    more["gate"] = Gate(clock=clock)
    folder = Path("/nonexistent")  # a server needs none
    door = Memory(Embedder(), url=url, folder=folder, embed_model="words", **more)
    try:
        yield door
    finally:
        await door.close()


async def test_what_is_remembered_is_recalled(server: QdrantServer, memory: Memory) -> None:
    await memory.remember([FAILED, PASSED, POSED])
    await memory.remember([FAILED, PASSED, POSED])
    found = await memory.recall(REVERSE)
    assert [(item.kind, item.code) for item in sorted(found, key=lambda item: item.kind)] == [
        ("failure", FAILED.code),
        ("pattern", PASSED.code),
    ]
    assert [item.score for item in found] == pytest.approx([1.0, 1.0])
    assert len(await memory.nearest(REVERSE)) == 1
    assert await memory.count() == 3
    assert memory.status.ok


async def test_a_collection_is_made_once_with_its_indexes(
    server: QdrantServer, memory: Memory
) -> None:
    await memory.remember([FAILED])
    await memory.remember([PASSED])
    assert server.indexes == {(NAME, "kind"), (NAME, "task_id")}
    assert server.asked.count(("PUT", f"/collections/{NAME}")) == 1


async def test_another_worker_may_be_faster_to_make_the_collection(
    server: QdrantServer, memory: Memory
) -> None:
    async def not_there(request: web.Request) -> web.StreamResponse:
        server.fault = None
        vectors = VectorParams(size=64, distance=Distance.COSINE)
        server.engine.create_collection(NAME, vectors_config=vectors)
        return web.json_response({"result": {"exists": False}, "status": "ok", "time": 0.0})

    server.fault = not_there
    await memory.remember([FAILED])
    assert await memory.count() == 1


async def test_an_empty_server_recalls_nothing(memory: Memory) -> None:
    assert await memory.recall(REVERSE) == []
    assert await memory.count() == 0
    assert memory.status.ok


async def test_other_collections_are_left_alone(server: QdrantServer, memory: Memory) -> None:
    vectors = VectorParams(size=4, distance=Distance.COSINE)
    server.engine.create_collection("somebody-else", vectors_config=vectors)
    server.engine.create_collection("aimesh-words-large-64", vectors_config=vectors)
    await memory.remember([FAILED])
    assert await memory.count() == 1


async def test_a_collection_that_someone_drops_is_made_anew(
    server: QdrantServer, memory: Memory
) -> None:
    await memory.remember([FAILED])
    server.engine.delete_collection(NAME)
    assert await memory.recall(REVERSE) == []
    await memory.remember([FAILED])
    assert len(await memory.recall(REVERSE)) == 1


async def test_a_server_that_is_down_costs_nothing_and_comes_back(clock: Clock) -> None:
    port = free_port()
    async with opened(f"http://127.0.0.1:{port}", clock) as memory:
        assert await memory.recall(REVERSE) == []
        assert memory.status.ok is False
        assert f"127.0.0.1:{port}" in memory.status.reason
        assert "QDRANT_URL" in memory.status.remedy
        down = memory.status.since
        with pytest.raises(UnavailableError, match="QDRANT_URL"):
            await memory.remember([FAILED])
        assert memory.status.since == down
        async with qdrant_server(port):
            clock.now += 60
            await memory.remember([FAILED])
            assert not memory.status.reason
            assert len(await memory.recall(REVERSE)) == 1
        assert await memory.recall(REVERSE) == []
        assert memory.status.ok is False


async def test_a_slow_server_does_not_slow_the_mesh(server: QdrantServer, clock: Clock) -> None:
    async with opened(server.url, clock, timeout=0.1) as memory:
        await memory.remember([FAILED])
        server.fault = hang
        started = time.monotonic()
        assert await memory.recall(REVERSE) == []
        assert "no answer within 0.1 s" in memory.status.reason
        asked = len(server.asked)
        for _ in range(100):
            assert await memory.recall(REVERSE) == []
        assert time.monotonic() - started < 5
        assert len(server.asked) == asked


async def test_remembering_has_a_deadline(server: QdrantServer, clock: Clock) -> None:
    server.fault = hang
    async with opened(server.url, clock, write_timeout=0.5) as memory:
        with pytest.raises(UnavailableError, match=r"within 0\.5 s"):
            await memory.remember([FAILED])
        with pytest.raises(UnavailableError, match=r"within 0\.5 s"):
            await memory.count()


FAULTS = {
    "failing": (web.Response(status=500, body=b"boom"), "HTTP 500: boom"),
    "no JSON": (web.Response(body=b"<html>"), "Qdrant"),
    "other JSON": (web.Response(body=b"[]"), "Qdrant"),
    "no result": (web.Response(body=b'{"result": null}'), "Qdrant"),
    "no text": (web.Response(body=b"\xff"), "Qdrant"),
    "locked": (refused(403, "forbidden"), "forbidden"),
    "busy": (refused(429, "slow down", **{"Retry-After": "9"}), "slow down"),
    "busy until": (refused(429, "slow down", **{"Retry-After": "soon"}), "Retry-After"),
    "just busy": (refused(429, "slow down"), "HTTP 429: slow down"),
}


@pytest.mark.parametrize(("answer", "message"), FAULTS.values(), ids=FAULTS.keys())
async def test_whatever_the_server_says_the_memory_is_off_with_that_reason(
    server: QdrantServer, memory: Memory, clock: Clock, answer: web.Response, message: str
) -> None:
    await memory.remember([FAILED])

    async def fault(request: web.Request) -> web.StreamResponse:
        headers = {name: text for name, text in answer.headers.items() if name == "Retry-After"}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    server.fault = fault
    assert await memory.recall(REVERSE) == []
    assert memory.status.ok is False
    clock.now += 60
    with pytest.raises(UnavailableError, match=message) as caught:
        await memory.remember([PASSED])
    assert caught.value.retry_after == (9.0 if answer.headers.get("Retry-After") == "9" else None)
    server.fault = None
    clock.now += 60
    assert await memory.recall(REVERSE)
