"""The door to the language model: Ollama's own HTTP API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from aimesh.core.prompts import Prompt
from aimesh.errors import (
    BadAnswerError,
    MeshError,
    ModelMissingError,
    TooSlowError,
    UnavailableError,
)
from aimesh.services.batching import Batcher, Vectors
from aimesh.services.ollama_wire import Collector, NoRouteError, body, count, parsed, refusal
from aimesh.services.status import ServiceStatus, StatusKeeper

CONNECT_TIMEOUT = 5.0
LOOK_TIMEOUT = 10.0  # for questions that need no model
START = "start it with `ollama serve`, or set OLLAMA_BASE_URL"


@dataclass(frozen=True)
class Answer:
    """A model's answer. Token counts are None when the server does not tell them."""

    text: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    duration_s: float


class Ollama:
    """Asks one Ollama server for answers and embeddings.

    Every call raises UnavailableError when the server cannot be reached or has too much to do
    (``retry_after`` when it says for how long), TooSlowError when no whole answer came in time,
    ModelMissingError when it lacks the model, and BadAnswerError when what it sent cannot be used.

    Arguments:
        url: address of the server, without a path.
        model: the model that answers.
        embed_model: the model that embeds.
        timeout: seconds for a whole answer, from a free place to its last word.
        idle_timeout: seconds of silence allowed once an answer has begun; the first word may
            take the whole timeout, for the model may have to be loaded.
        concurrency: how many answers, and how many embedding requests, run at the same time.
    """

    def __init__(
        self,
        url: str,
        model: str,
        embed_model: str,
        *,
        timeout: float = 120.0,
        idle_timeout: float = 30.0,
        concurrency: int = 4,
    ) -> None:
        self.url = url
        self.model = model
        self.embed_model = embed_model
        self._timeout = timeout
        self._idle_timeout = idle_timeout
        self._places = asyncio.Semaphore(concurrency)
        self._embed_places = asyncio.Semaphore(concurrency)
        self._batcher = Batcher(self._embedded)
        self._one_by_one = False  # an old server without /api/embed
        self._missing: dict[str, ModelMissingError] = {}
        self._keeper = StatusKeeper("ollama")
        self._made: httpx.AsyncClient | None = None

    @property
    def status(self) -> ServiceStatus:
        """How the server did at the last call."""
        return self._keeper.status

    async def chat(self, prompt: Prompt) -> Answer:
        """Ask the model. An answer of more than 512 KiB is cut and marked so."""
        messages = [{"role": "user", "content": prompt.text}]
        if prompt.system:
            messages.insert(0, {"role": "system", "content": prompt.system})
        question = {"model": self.model, "messages": messages, "stream": True}
        async with self._places, self._watched(self.model, self._timeout):
            started = time.monotonic()
            collector = await self._streamed(question)
            return Answer(
                text=collector.text(),
                model=str(collector.last.get("model") or self.model),
                input_tokens=count(collector.last.get("prompt_eval_count")),
                output_tokens=count(collector.last.get("eval_count")),
                duration_s=round(time.monotonic() - started, 3),
            )

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text, in order.

        Calls that come within 10 ms of each other share one request of up to 32 texts.
        """
        return await self._batcher.vectors(texts)

    async def models(self) -> list[str]:
        """The names of the models that the server has."""
        found = await self._look("/api/tags")
        return [str(item.get("name", "")) for item in _objects(found, "models")]

    async def version(self) -> str:
        """The server's version."""
        return str((await self._look("/api/version")).get("version", ""))

    async def running(self) -> list[dict[str, Any]]:
        """The models in memory now, as the server's `ps` describes them."""
        return _objects(await self._look("/api/ps"), "models")

    async def close(self) -> None:
        """Close connections; calls that still wait for an embedding are cancelled."""
        await self._batcher.close()
        if self._made is not None:
            await self._made.aclose()
            self._made = None

    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            self._made = httpx.AsyncClient(
                base_url=self.url,
                # deadlines are ours; a server named in the settings is never asked by a proxy
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
                limits=httpx.Limits(max_connections=None),
                headers={"accept-encoding": "identity"},
                trust_env=False,
            )
        return self._made

    @asynccontextmanager
    async def _watched(self, model: str, timeout: float) -> AsyncIterator[None]:
        """Bound a call, translate what goes wrong and note it in the status."""
        try:
            async with asyncio.timeout(timeout):
                yield
        except MeshError as exc:
            self._note(model, exc)
            raise
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            error = self._unreachable(exc, timeout)
            self._note(model, error)
            raise error from exc
        self._note(model, None)

    def _unreachable(self, exc: Exception, timeout: float) -> UnavailableError:
        if isinstance(exc, TimeoutError):
            return TooSlowError(
                "ollama",
                f"no whole answer from {self.url} within {timeout:g} s",
                remedy="a smaller model, fewer calls at once, or a larger AIMESH_LLM_TIMEOUT",
            )
        reason = f"no answer from {self.url}: {type(exc).__name__}: {exc}"
        return UnavailableError("ollama", reason, remedy=START)

    def _note(self, model: str, error: MeshError | None) -> None:
        """Keep the status: a missing model stays a fault until that model answers."""
        if isinstance(error, ModelMissingError):
            self._missing[model] = error
        elif isinstance(error, UnavailableError):
            self._keeper.bad(error.reason, error.remedy)
            return
        else:
            self._missing.pop(model, None)
        if self._missing:
            first = next(iter(self._missing.values()))
            self._keeper.bad(first.reason, first.remedy)
        else:
            self._keeper.good()

    async def _streamed(self, question: dict[str, Any]) -> Collector:
        collector = Collector()
        async with self._client().stream("POST", "/api/chat", **_json(question)) as response:
            if response.status_code != 200:
                raise await refusal(response, self.model)
            chunks = response.aiter_bytes()
            chunk = await anext(chunks, None)
            while chunk is not None and not collector.feed(chunk):
                try:
                    async with asyncio.timeout(self._idle_timeout):
                        chunk = await anext(chunks, None)
                except TimeoutError as exc:
                    raise TooSlowError(
                        "ollama",
                        f"the answer stopped for {self._idle_timeout:g} s in the middle",
                        remedy="look at its log and at the machine's load",
                    ) from exc
        return collector

    async def _embedded(self, texts: list[str]) -> Vectors:
        async with self._embed_places, self._watched(self.embed_model, self._timeout):
            if not self._one_by_one:
                question = {"model": self.embed_model, "input": texts}
                try:
                    answer = await self._asked("POST", "/api/embed", self.embed_model, question)
                    return _vectors(answer.get("embeddings"), len(texts))
                except NoRouteError:
                    self._one_by_one = True
            return [await self._embedded_alone(text) for text in texts]

    async def _embedded_alone(self, text: str) -> list[float]:
        question = {"model": self.embed_model, "prompt": text}
        answer = await self._asked("POST", "/api/embeddings", self.embed_model, question)
        return _vectors([answer.get("embedding")], 1)[0]

    async def _look(self, path: str) -> dict[str, Any]:
        async with self._watched("", min(self._timeout, LOOK_TIMEOUT)):
            return await self._asked("GET", path, "", None)

    async def _asked(
        self, method: str, path: str, model: str, question: dict[str, Any] | None
    ) -> dict[str, Any]:
        options = _json(question) if question is not None else {}
        async with self._client().stream(method, path, **options) as response:
            if response.status_code != 200:
                raise await refusal(response, model)
            return parsed(await body(response))


def _json(question: dict[str, Any]) -> dict[str, Any]:
    """A request's body; ASCII, for a lone surrogate cannot be encoded in any other way."""
    return {
        "content": json.dumps(question).encode("ascii"),
        "headers": {"content-type": "application/json"},
    }


def _objects(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = found.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _vectors(found: object, wanted: int) -> Vectors:
    if not isinstance(found, list) or len(found) != wanted:
        raise BadAnswerError("the model server sent another number of embeddings than asked for")
    for vector in found:
        if not isinstance(vector, list) or not vector or not all(map(_number, vector)):
            raise BadAnswerError("the model server sent an embedding that is no list of numbers")
    return [[float(value) for value in vector] for vector in found]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and value - value == 0  # neither infinite nor NaN
