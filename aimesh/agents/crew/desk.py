"""What every agent of the crew does around its craft: order, expiry, cancelling, answering."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aimesh.agents.crew.book import Book
from aimesh.agents.crew.gate import Gate
from aimesh.agents.crew.journal import Journal
from aimesh.agents.crew.messages import Post, QueueMessage, taken
from aimesh.agents.crew.reports import Expired, error_of, failure_payload
from aimesh.core.crew import ending_id, seconds_left, trace_of, urgency
from aimesh.core.telemetry import AgentMessage
from aimesh.errors import MeshError, TooSlowError, UnavailableError
from aimesh.stage import Job, Rejected, Send, Skipped
from aimesh.telling import Teller

logger = logging.getLogger(__name__)

# seconds between two signs of life of an agent at work
BEAT = 15.0
# a task that waits longer for its turn than this many seconds queues anew, in the same place
PATIENCE = 300.0
# how often the model may be too slow for one task
SLOW_TRIES = 3

Sender = Callable[[Send], Awaitable[None]]
# sees to it that an agent of a name has a queue
Ensure = Callable[[str], Awaitable[object]]


class Desk(ABC):
    """One agent of the crew: its ``admit`` and ``work`` are those of a stage.

    Whatever comes of a task, its sender hears of it: a result or an error. Only a service that is
    down is waited for, as long as the task has time.

    Arguments:
        post: makes its messages.
        gate: how many tasks are at work at once.
        book: remembers what was called off.
        tell: tells of what happens.
        send: sends a message at once, outside of any job.
        ensure: makes the queue of an agent where it is missing: whoever asks is answered.
        limit: seconds that a task may be at work.
    """

    def __init__(
        self,
        post: Post,
        gate: Gate,
        book: Book,
        tell: Teller,
        send: Sender,
        *,
        ensure: Ensure,
        limit: float,
    ) -> None:
        self.post = post
        self.book = book
        self.tell = tell
        self._gate = gate
        self.send = send
        self._ensure = ensure
        self._limit = limit
        self._at_work: dict[str, asyncio.Task[list[Send]]] = {}
        self._slow: Counter[str] = Counter()

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self.post.agent

    # -- what each agent has for itself

    @abstractmethod
    async def done(self, task: AgentMessage, journal: Journal) -> list[Send]:
        """Do a task; return what is to be sent."""

    async def answered(self, message: AgentMessage) -> list[Send]:
        """Take in what came of a task that this agent gave to another."""
        raise Skipped

    async def called_off(self, task_id: str, message: AgentMessage) -> list[Send]:
        """Call off what a task has led to; return what is to be sent."""
        return []

    # -- the stage

    def admit(self, record: QueueMessage, message: Any) -> QueueMessage:
        """Take tasks, answers and cancellations; note signs of life, which are no work.

        Raises:
            Rejected: it is no message.
            Skipped: there is nothing to do for it.
        """
        queued = taken(record, message, self.agent)
        if queued.message_type == "heartbeat":
            self.tell.event("heartbeat", source=queued.source_agent, of=queued.parent_message_id)
            raise Skipped
        return queued

    async def work(self, queued: QueueMessage, job: Job) -> list[Send]:
        """Do what a message asks for."""
        message = queued.message()
        if message.message_type == "task":
            await self._can_be_answered(message)
            return await self._interruptible(message, job)
        if message.message_type == "cancel":
            return await self._cancel(message)
        return await self.answered(message)

    async def _can_be_answered(self, task: AgentMessage) -> None:
        """Make the queue of a task's sender where it is missing, as long as the task has time."""
        try:
            await self._ensure(task.source_agent)
        except UnavailableError as exc:
            if seconds_left(task, time.time()) == 0:
                raise Rejected(f"{task.source_agent} cannot be answered: {exc}") from exc
            raise

    # -- cancelling

    async def _cancel(self, message: AgentMessage) -> list[Send]:
        named = message.payload.get("message_id") or message.payload.get("task_id")
        target = message.parent_message_id or (named if isinstance(named, str) else "")
        if not target:
            raise Rejected("field 'parent_message_id' is missing: it names what is to be cancelled")
        await self.book.written(self.book.put(_off(target), {"by": message.source_agent}))
        if (running := self._at_work.get(target)) is not None:
            running.cancel()
        self.tell.log(f"{target} was called off by {message.source_agent}")
        return await self.called_off(target, message)

    async def _interruptible(self, task: AgentMessage, job: Job) -> list[Send]:
        if self.book.find(_off(task.message_id)) is not None:
            raise Skipped
        running = asyncio.create_task(self._attended(task, job))
        self._at_work[task.message_id] = running
        try:
            await asyncio.wait({running})
        finally:
            self._at_work.pop(task.message_id, None)
            if not running.done():
                running.cancel()
                await asyncio.wait({running})
        if running.cancelled():
            raise Skipped
        return running.result()

    # -- doing

    async def _attended(self, task: AgentMessage, job: Job) -> list[Send]:
        """Do a task when its turn comes, and see to it that its sender hears of it."""
        journal = Journal()
        try:
            async with self._turn(task, job), self._beating(task), self._time_limit(task):
                sends = await self.done(task, journal)
        except TooSlowError as exc:
            self._slow[task.message_id] += 1
            if self._slow[task.message_id] < SLOW_TRIES:
                raise
            sends = self._failed(task, exc, journal)
        except (UnavailableError, Skipped):
            raise
        except Exception as exc:
            # its sender would wait for an answer in vain
            if not isinstance(exc, MeshError):
                logger.exception("%s could not do %s", self.agent, task.message_id)
            sends = self._failed(task, exc, journal)
        self._slow.pop(task.message_id, None)
        return sends

    @asynccontextmanager
    async def _turn(self, task: AgentMessage, job: Job) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            left = seconds_left(task, time.time())
            patience = PATIENCE if left is None else min(PATIENCE, left)
            try:
                async with asyncio.timeout(patience):
                    await stack.enter_async_context(self._gate.place(urgency(task, job.offset)))
            except TimeoutError:
                if left is not None and left <= PATIENCE:
                    raise Expired(task) from None
                raise UnavailableError("crew", f"{self.agent} has other tasks at work") from None
            yield

    @asynccontextmanager
    async def _time_limit(self, task: AgentMessage) -> AsyncIterator[None]:
        left = seconds_left(task, time.time())
        if left == 0:
            raise Expired(task)
        limit = self._limit if left is None else min(self._limit, left)
        try:
            async with asyncio.timeout(limit) as running:
                yield
        except TimeoutError:
            if not running.expired():
                raise
            if left is not None and left <= self._limit:
                raise Expired(task) from None
            raise MeshError(f"not done within {self._limit:g} s") from None

    @asynccontextmanager
    async def _beating(self, task: AgentMessage) -> AsyncIterator[None]:
        """Let the sender of a task know that it is at work."""
        beating = asyncio.create_task(self._beat(task))
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait({beating})

    async def _beat(self, task: AgentMessage) -> None:
        number = 0
        while True:
            beat = self.post.message(
                task.source_agent,
                {"working_on": task.message_id},
                message_id=ending_id(task.message_id, f"beat {number} {time.time()}"),
                message_type="heartbeat",
                priority="low",
                trace_id=trace_of(task),
                parent_message_id=task.message_id,
            )
            try:
                await self.send(self.post.send(beat))
            except Exception as exc:  # noqa: BLE001 - a sign of life must not end the work
                logger.debug("a sign of life could not be sent: %s", exc)
            number += 1
            await asyncio.sleep(BEAT)

    def _failed(self, task: AgentMessage, exc: Exception, journal: Journal) -> list[Send]:
        self.tell.log(f"{task.message_id} failed: {exc}", level="warning")
        payload = {**failure_payload(exc), **journal.told()}
        error = error_of(self.agent, task, exc)
        return [self.post.reply(task, payload, ok=False), self.post.error(error)]


def _off(task_id: str) -> str:
    return f"off/{task_id}"
