"""The door to the memory: it never slows or stops the mesh when it is down."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from aimesh.core.memories import Kind, Recollection
from aimesh.core.text import cut
from aimesh.errors import BadAnswerError, UnavailableError
from aimesh.services.memory.embedded import EmbeddedStore
from aimesh.services.memory.gate import Gate
from aimesh.services.memory.server import ServerStore
from aimesh.services.memory.store import Found, Point, Store, collection_name
from aimesh.services.status import ServiceStatus, StatusKeeper

Vectors = list[list[float]]
KINDS: tuple[Kind, ...] = get_args(Kind)
HELPFUL: tuple[Kind, ...] = ("failure", "pattern")  # what says something about solving a task

# bytes; whatever is remembered is held in memory by the embedded store
TASK_LIMIT = 8 << 10
CODE_LIMIT = 16 << 10
ERROR_LIMIT = 4 << 10


@dataclass(frozen=True)
class Experience:
    """Something to remember: a task that was posed, or an attempt at it and how it ended."""

    task_id: str
    attempt: int
    kind: Kind
    task: str
    code: str = ""
    error: str = ""


class Memory:
    """Remembers experiences and finds those that resemble a text.

    Arguments:
        embed: turns texts into vectors; may raise UnavailableError and BadAnswerError.
        url: a Qdrant server; empty for the embedded store in ``folder``.
        folder: where the embedded store lives. One process can have it open.
        embed_model: name of the model behind ``embed``: each has collections of its own.
        enabled: False switches the memory off: nothing is recalled or remembered.
        timeout: seconds that a recall may take in the store.
        embed_timeout: seconds that a recall may wait for its embedding.
        write_timeout: seconds that remembering may take in the store, its opening included.
        gate: how long a memory that is down is left alone before it is tried again.
    """

    def __init__(
        self,
        embed: Callable[[Sequence[str]], Awaitable[Vectors]],
        *,
        url: str,
        folder: Path,
        embed_model: str,
        enabled: bool = True,
        timeout: float = 2.0,
        embed_timeout: float = 10.0,
        write_timeout: float = 30.0,
        gate: Gate | None = None,
    ) -> None:
        self._embed = embed
        self._store: Store = ServerStore(url) if url else EmbeddedStore(folder)
        self._model = embed_model
        self._enabled = enabled
        self._timeout = timeout
        self._embed_timeout = embed_timeout
        self._write_timeout = write_timeout
        self._opening: asyncio.Future[None] | None = None
        self._gate = gate or Gate()
        self._keeper = StatusKeeper("memory")
        if not enabled:
            self._keeper.bad("switched off", "set AIMESH_MEMORY=true to switch it on")

    @property
    def status(self) -> ServiceStatus:
        """How the memory did at the last call."""
        return self._keeper.status

    async def recall(
        self, text: str, *, limit: int = 4, kinds: Sequence[Kind] | None = None
    ) -> list[Recollection]:
        """What resembles ``text``, best first; nothing while the memory is down.

        Arguments:
            text: usually a task.
            limit: how many at most.
            kinds: which kinds; left out, failures and patterns, which help with solving.
        """
        return await self._recalled(text, limit, tuple(kinds or HELPFUL))

    async def nearest(self, text: str, limit: int = 4) -> list[Recollection]:
        """Earlier tasks that resemble ``text``, best first, each once whatever is known of it."""
        found = await self._recalled(text, limit * 4, ())
        best: dict[str, Recollection] = {}
        for item in found:
            best.setdefault(item.task, item)
        return list(best.values())[:limit]

    async def remember(self, experiences: Sequence[Experience]) -> None:
        """Keep experiences. The same attempt and kind again replaces, never adds.

        Raises:
            UnavailableError: the memory or the embedding model is down; ``retry_after`` says
                when to come again.
            BadAnswerError: the embedding model sent something unusable.
        """
        wanted = [item for item in experiences if item.task.strip()]
        if not self._enabled or not wanted:
            return
        if wait := self._gate.wait():
            now = self.status
            raise UnavailableError("memory", now.reason, remedy=now.remedy, retry_after=wait)
        try:
            vectors = await self._embed([_tidy(item.task, TASK_LIMIT) for item in wanted])
            async with asyncio.timeout(self._write_timeout):
                await self._opened()
                await self._add(wanted, vectors)
        except TimeoutError as exc:
            raise self._failed(_slow(self._write_timeout)) from exc
        except UnavailableError as exc:
            self._failed(exc)
            raise
        self._worked()

    async def count(self) -> int:
        """How many experiences are remembered. Raises UnavailableError when it is down."""
        if not self._enabled:
            return 0
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._opened()
                number = await self._store.count(self._model)
        except TimeoutError as exc:
            raise self._failed(_slow(self._write_timeout)) from exc
        except UnavailableError as exc:
            self._failed(exc)
            raise
        if self.status.ok is None:  # a fault may be in the embeddings, which were not asked here
            self._keeper.good()
        return number

    async def close(self) -> None:
        """Let go of files and connections."""
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._store.close()

    async def _recalled(self, text: str, limit: int, kinds: Sequence[str]) -> list[Recollection]:
        if not self._enabled or not text.strip() or self._gate.wait():
            return []
        try:
            vector = await self._embedded(_tidy(text, TASK_LIMIT))
            async with asyncio.timeout(self._timeout):
                await self._opened()
                name = collection_name(self._model, len(vector))
                found = await self._store.nearest(name, vector, limit, kinds)
        except BadAnswerError:
            return []  # this text alone; the memory is well
        except TimeoutError:
            if self._opening is None or self._opening.done():  # else it is only being opened
                self._failed(_slow(self._timeout))
            return []
        except UnavailableError as exc:
            self._failed(exc)
            return []
        self._worked()
        return [item for item in map(_recollection, found) if item]

    async def _embedded(self, text: str) -> list[float]:
        try:
            async with asyncio.timeout(self._embed_timeout):
                return (await self._embed([text]))[0]
        except TimeoutError as exc:
            reason = f"no embedding within {self._embed_timeout:g} s"
            raise UnavailableError("memory", reason, remedy="look at the model server") from exc

    async def _opened(self) -> None:
        """Wait for the store to be open. Opening goes on when the one who waits gives up."""
        done = self._opening is not None and self._opening.done()
        if self._opening is None or (done and not _succeeded(self._opening)):
            self._opening = asyncio.ensure_future(self._store.open())
        await asyncio.shield(self._opening)

    async def _add(self, experiences: Sequence[Experience], vectors: Vectors) -> None:
        by_size: dict[int, list[Point]] = {}
        for item, vector in zip(experiences, vectors, strict=True):
            by_size.setdefault(len(vector), []).append(_point(item, vector))
        for size, points in by_size.items():
            await self._store.add(collection_name(self._model, size), size, points)

    def _worked(self) -> None:
        self._gate.worked()
        self._keeper.good()

    def _failed(self, error: UnavailableError) -> UnavailableError:
        self._gate.failed()
        reason = error.reason if error.service == "memory" else f"{error.service}: {error.reason}"
        self._keeper.bad(reason, error.remedy)
        return error


def _slow(seconds: float) -> UnavailableError:
    return UnavailableError(
        "memory", f"no answer within {seconds:g} s", remedy="look at Qdrant and its disk"
    )


def _succeeded(done: asyncio.Future[None]) -> bool:
    return not done.cancelled() and done.exception() is None


def _point(item: Experience, vector: list[float]) -> Point:
    name = f"aimesh:{item.task_id}:{item.attempt}:{item.kind}"
    payload: dict[str, Any] = asdict(item) | {"at": time.time()}
    payload["task"] = _tidy(item.task, TASK_LIMIT)
    payload["code"] = _tidy(item.code, CODE_LIMIT)
    payload["error"] = _tidy(item.error, ERROR_LIMIT, tail=0.7)
    return Point(str(uuid.uuid5(uuid.NAMESPACE_URL, _tidy(name, 1 << 20))), vector, payload)


def _recollection(found: Found) -> Recollection | None:
    kind = found.payload.get("kind")
    if kind not in KINDS:
        return None
    task, code, error = (str(found.payload.get(name) or "") for name in ("task", "code", "error"))
    return Recollection(kind, task, code, error, round(found.score, 4))


def _tidy(text: str, limit: int, tail: float = 0.0) -> str:
    """Bounded, and without the lone surrogates that no request could carry."""
    return cut(text.encode("utf-8", "replace").decode("utf-8"), limit, tail=tail)
