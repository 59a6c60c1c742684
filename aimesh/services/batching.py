"""Gather calls that come at nearly the same time into one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aimesh.errors import BadAnswerError

Vectors = list[list[float]]


@dataclass(frozen=True)
class _Call:
    texts: list[str]
    future: asyncio.Future[Vectors]


class Batcher:
    """Turns many small embedding calls into few requests.

    The first call waits ``wait`` seconds for others to join; ``most`` texts go at once.
    """

    def __init__(
        self,
        send: Callable[[list[str]], Awaitable[Vectors]],
        *,
        wait: float = 0.01,
        most: int = 32,
    ) -> None:
        self._send = send
        self._wait = wait
        self._most = most
        self._calls: list[_Call] = []
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def vectors(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text, in order. Raises what ``send`` raises."""
        pieces = [list(texts[at : at + self._most]) for at in range(0, len(texts), self._most)]
        answers = await asyncio.gather(*(self._enqueue(piece) for piece in pieces))
        return [vector for answer in answers for vector in answer]

    async def close(self) -> None:
        """Give up on what is still waiting; its callers are cancelled."""
        if self._timer:
            self._timer.cancel()
        for call in self._calls:
            call.future.cancel()
        self._calls.clear()
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _enqueue(self, texts: list[str]) -> asyncio.Future[Vectors]:
        loop = asyncio.get_running_loop()
        if self._waiting() + len(texts) > self._most:
            self._flush()
        call = _Call(texts, loop.create_future())
        self._calls.append(call)
        if self._waiting() >= self._most:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(self._wait, self._flush)
        return call.future

    def _waiting(self) -> int:
        return sum(len(call.texts) for call in self._calls)

    def _flush(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        calls = [call for call in self._calls if not call.future.done()]
        self._calls = []
        if calls:
            task = asyncio.ensure_future(self._deliver(calls))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _deliver(self, calls: list[_Call]) -> None:
        try:
            vectors = await self._send([text for call in calls for text in call.texts])
        except asyncio.CancelledError:
            for call in calls:
                call.future.cancel()
            raise
        except Exception as exc:  # noqa: BLE001  # whatever it is, the callers are told
            await self._fail(calls, exc)
            return
        for call in calls:
            if not call.future.done():
                call.future.set_result(vectors[: len(call.texts)])
            del vectors[: len(call.texts)]

    async def _fail(self, calls: list[_Call], exc: Exception) -> None:
        """Tell the callers; a refusal of several is tried one by one, for one may spoil all."""
        if isinstance(exc, BadAnswerError) and len(calls) > 1:
            for call in calls:
                await self._deliver([call])
            return
        for call in calls:
            if not call.future.done():
                call.future.set_exception(exc)
