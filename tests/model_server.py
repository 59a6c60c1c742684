"""A server that answers as Ollama does, or fails as a test wants it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.serving import ANY_PATH, serving

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STAMP = "2026-01-01T00:00:00.000000Z"


def piece(text: str, **more: Any) -> bytes:
    """One line of a streamed answer."""
    message = {"role": "assistant", "content": text}
    line = {"model": "gemma3:1b", "created_at": STAMP, "message": message, "done": False}
    return json.dumps(line | more).encode() + b"\n"


def done(**more: Any) -> bytes:
    """The last line of a streamed answer."""
    counts = {"prompt_eval_count": 11, "eval_count": 7, "total_duration": 5_000_000}
    return piece("", done=True, done_reason="stop", **counts, **more)


def refuses(status: int, body: bytes | dict[str, Any], **headers: str) -> Handler:
    """A handler that answers with this status, whatever it is asked."""

    async def handler(request: web.Request) -> web.Response:
        if isinstance(body, dict):
            return web.json_response(body, status=status, headers=headers)
        return web.Response(body=body, status=status, headers=headers)

    return handler


class ModelServer:
    """What the server was asked, and what it does about it.

    ``chunks`` are the bytes of an answer to `/api/chat`; after them the answer ends, unless
    ``then`` waits or breaks the connection. A handler in ``routes`` takes over a whole path.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.chunks = [piece("Hel"), piece("lo"), done()]
        self.then: Callable[[web.Request], Awaitable[None]] | None = None
        self.routes: dict[str, Handler] = {}
        self.size = 3
        self.active = 0
        self.most_active = 0
        self.entered = asyncio.Event()  # set when a request has come
        self.left = asyncio.Event()  # set when a caller went away before the answer's end

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.can_read_body:
            self.asked.append({"path": request.path} | await request.json())
        self.entered.set()
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            if request.path in self.routes:
                return await self.routes[request.path](request)
            return await getattr(self, request.path.rsplit("/")[-1])(request)  # type: ignore[no-any-return]
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        finally:
            self.active -= 1

    async def chat(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
        await response.prepare(request)
        for chunk in self.chunks:
            await response.write(chunk)
        if self.then:
            await self.then(request)
        await response.write_eof()
        return response

    async def embed(self, request: web.Request) -> web.StreamResponse:
        vectors = [self.vector(text) for text in self.asked[-1]["input"]]
        return web.json_response({"model": "nomic-embed-text", "embeddings": vectors})

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"embedding": self.vector(self.asked[-1]["prompt"])})

    async def tags(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"models": [{"name": "gemma3:1b"}, {"name": "b:latest"}]})

    async def ps(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"models": [{"name": "gemma3:1b", "size_vram": 5}]})

    async def version(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"version": "0.12.3"})

    def vector(self, text: str) -> list[float]:
        """A vector that tells the text's length and first letters."""
        return [float(len(text)), *(float(ord(c)) for c in f"{text}   "[: self.size - 1])]


async def hang(request: web.Request) -> None:
    """Never go on; ends when the caller goes away."""
    await asyncio.Event().wait()


async def reset(request: web.Request) -> None:
    """Break the connection."""
    assert request.transport is not None
    request.transport.abort()


@asynccontextmanager
async def model_server(port: int = 0) -> AsyncIterator[ModelServer]:
    """Run a server on the loopback address while the body runs."""
    server = ModelServer()
    async with serving(web.route("*", ANY_PATH, server.handle), port=port) as server.url:
        yield server
