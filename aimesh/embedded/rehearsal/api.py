"""Ollama's endpoints, answered from the script."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from aimesh.embedded.rehearsal import wire
from aimesh.embedded.rehearsal.answering import (
    Part,
    as_json,
    before_answer,
    send_lines,
    send_whole,
    spoilt,
)
from aimesh.embedded.rehearsal.embedding import embedding
from aimesh.embedded.rehearsal.faults import Fault, Faults
from aimesh.embedded.rehearsal.models import VERSION, Model, find
from aimesh.embedded.rehearsal.reading import read
from aimesh.embedded.rehearsal.script import Script
from aimesh.embedded.rehearsal.wire import RefusedError

_TOKEN_CHARACTERS = 4


@dataclass
class OllamaApi:
    """The endpoints.

    ``latency`` is how many seconds an answer of the model takes, ``dimensions`` the size of
    embeddings; ``kinds`` counts the questions by what they ask for.
    """

    script: Script
    faults: Faults
    models: Sequence[Model]
    dimensions: int
    seed: int
    latency: float
    kinds: Counter[str] = field(default_factory=Counter)

    def routes(self) -> list[web.AbstractRouteDef]:
        """What is answered where, as Ollama has it."""
        return [
            web.get("/", self.root),
            web.get("/api/version", self.version),
            web.get("/api/tags", self.tags),
            web.get("/api/ps", self.ps, allow_head=False),
            web.post("/api/show", self.show),
            web.post("/api/chat", self.chat),
            web.post("/api/generate", self.generate),
            web.post("/api/embed", self.embed),
            web.post("/api/embeddings", self.embeddings),
        ]

    async def root(self, request: web.Request) -> web.StreamResponse:
        """Tell that the server runs."""
        await self._look(request)
        return web.Response(text="Ollama is running")

    async def version(self, request: web.Request) -> web.StreamResponse:
        """Tell the version, which says that this is a rehearsal."""
        await self._look(request)
        return as_json({"version": VERSION})

    async def tags(self, request: web.Request) -> web.StreamResponse:
        """List the models."""
        try:
            await self._look(request)
        except RefusedError as exc:
            if exc.status != 404:
                raise
            return as_json({"models": []})
        return as_json({"models": [model.listed() for model in self.models]})

    async def ps(self, request: web.Request) -> web.StreamResponse:
        """List the models in memory: all of them, always."""
        await self._look(request)
        return as_json({"models": [model.running() for model in self.models]})

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Describe a model."""
        body = wire.request_body(await request.read())
        name = wire.field(body, "model", str, "") or wire.field(body, "name", str, "")
        if not name:
            raise RefusedError(400, "model is required")
        missing = f"model '{name}' not found"
        await before_answer(request, self.faults.take("look"), missing)
        return as_json(find(self.models, name, missing).shown(self.dimensions))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer the messages of a chat."""
        started = time.perf_counter()
        body = wire.request_body(await request.read())
        system, text = wire.spoken(body)
        name = self._speaker(body, "chat")

        def part(content: str) -> Mapping[str, Any]:
            message = {"role": "assistant", "content": content}
            return {"model": name, "created_at": wire.now(), "message": message}

        if not body.get("messages"):
            return as_json({**part(""), **_loaded(body)})
        return await self._answer(request, body, system, text, part, started)

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """Complete a prompt."""
        started = time.perf_counter()
        body = wire.request_body(await request.read())
        system, text = wire.field(body, "system", str, ""), wire.field(body, "prompt", str, "")
        name = self._speaker(body, "generate")

        def part(content: str) -> Mapping[str, Any]:
            return {"model": name, "created_at": wire.now(), "response": content}

        if not text:
            return as_json({**part(""), **_loaded(body)})
        return await self._answer(request, body, system, text, part, started)

    async def embed(self, request: web.Request) -> web.StreamResponse:
        """Embed one text or several."""
        started = time.perf_counter()
        body = wire.request_body(await request.read())
        name = wire.field(body, "model", str, "")
        texts = wire.texts_of(body)
        wanted = wire.field(body, "dimensions", int, 0)
        size = wanted if 0 < wanted < self.dimensions else self.dimensions
        fault = await self._embedder(request, name)
        if fault and fault.name == "empty":
            texts = []
        if not texts:
            return as_json({"model": name, "embeddings": []})
        total = wire.nanoseconds_since(started)
        answer = {
            "model": name,
            "embeddings": [embedding(text, size) for text in texts],
            "total_duration": total,
            "load_duration": total // 10,
            "prompt_eval_count": sum(wire.tokens(text) for text in texts),
        }
        return await self._whole(request, answer, fault)

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        """Embed one text, in the older way."""
        body = wire.request_body(await request.read())
        name, text = wire.field(body, "model", str, ""), wire.field(body, "prompt", str, "")
        fault = await self._embedder(request, name)
        vector = [] if not text or _is(fault, "empty") else embedding(text, self.dimensions)
        return await self._whole(request, {"embedding": vector}, fault)

    async def _look(self, request: web.Request) -> None:
        await before_answer(request, self.faults.take("look"), "model not found")

    def _speaker(self, body: Mapping[str, Any], what: str) -> str:
        """The name of the model that is asked to speak, as the request has it."""
        name = wire.field(body, "model", str, "")
        if not name:
            raise RefusedError(400, "model is required")
        model = find(self.models, name, f"model '{name}' not found")
        if model.embeds:
            raise RefusedError(400, f"{json.dumps(name)} does not support {what}")
        if body.get("think"):
            raise RefusedError(400, f"{json.dumps(name)} does not support thinking")
        return name

    async def _embedder(self, request: web.Request, name: str) -> Fault | None:
        missing = f"model {json.dumps(name)} not found, try pulling it first"
        find(self.models, name, missing)
        self.kinds["embed"] += 1
        fault = self.faults.take("embed")
        await before_answer(request, fault, missing)
        return fault

    async def _whole(
        self, request: web.Request, answer: Mapping[str, Any], fault: Fault | None
    ) -> web.StreamResponse:
        if _is(fault, "gibberish"):
            return web.Response(text=spoilt(fault, self.seed) or "", content_type="text/html")
        return await send_whole(request, answer, cut=_is(fault, "cut"))

    async def _answer(
        self,
        request: web.Request,
        body: Mapping[str, Any],
        system: str,
        text: str,
        part: Part,
        started: float,
    ) -> web.StreamResponse:
        question = read(system, text)
        self.kinds[question.kind] += 1
        fault = self.faults.take(question.kind)
        await before_answer(request, fault, f"model '{body['model']}' not found")
        answer = spoilt(fault, self.seed)
        if answer is None:
            answer = self.script.answer(question)
        if body.get("format"):
            answer = json.dumps({"answer": answer})
        if self.latency > 0:
            await asyncio.sleep(self.latency)
        answer, reason = _limited(answer, body)
        last = {**wire.statistics(started, system + text, answer), "done_reason": reason}
        stream = wire.field(body, "stream", bool, True)
        if stream:
            return await send_lines(request, answer, part, last, cut=_is(fault, "cut"))
        return await send_whole(request, {**part(answer), **last}, cut=_is(fault, "cut"))


def _loaded(body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request without a question, which loads the model or unloads it."""
    unload = body.get("keep_alive") in (0, "0", "0s")
    return {"done_reason": "unload" if unload else "load", "done": True}


def _limited(answer: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """The answer within the number of tokens that the request allows, and why it ends."""
    most = wire.field(wire.field(body, "options", dict, {}), "num_predict", int, 0)
    if most > 0 and wire.tokens(answer) > most:
        return answer[: most * _TOKEN_CHARACTERS], "length"
    return answer, "stop"


def _is(fault: Fault | None, name: str) -> bool:
    return fault is not None and fault.name == name
