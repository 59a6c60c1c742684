"""The observer: copies everything that happens to one feed, and works it into tables."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from aimesh import codec, dead_letters
from aimesh.core.feed import FeedEvent
from aimesh.core.identity import derived_id
from aimesh.core.moments import time_text
from aimesh.core.redriving import Origin
from aimesh.core.tasks import task_id_of
from aimesh.core.text import cut, printable
from aimesh.errors import MeshError
from aimesh.faustfix import MeshApp
from aimesh.feeding import kind_in
from aimesh.stage.runner import backoff
from aimesh.tables.mesh import Change, MeshTables

logger = logging.getLogger(__name__)

# one holder, who can answer for all
FEED_PARTITIONS = 1
IN_FLIGHT = 500
BATCH = 500
BATCH_SECONDS = 0.05
MOST_TEXT_BYTES = 16 << 10


class Observer:
    """Reads along with the mesh in a group of its own.

    Arguments:
        channels: the topics that are copied, with what each carries: a kind of the feed, or
            ``governor``.
        tasks: the tasks' topic, whose messages may come without an id.
        feed: the topic of one partition to which all is copied; whoever holds it has the tables.
    """

    def __init__(
        self,
        app: MeshApp,
        *,
        channels: Mapping[str, str],
        tasks: str,
        feed: str,
    ) -> None:
        self.app = app
        self._tasks = tasks
        self.feed = feed
        self.tables = MeshTables(app, FEED_PARTITIONS)
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._batch: list[faust.Event] = []
        self._filled = asyncio.Event()
        self._rebalances = 0
        #: Whether the tables are read, or are another worker's.
        self.ready = False
        #: Whether this worker has the feed, and so the tables.
        self.holds = False
        raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "value_serializer": "raw"}
        for topic, carries in channels.items():
            copy = partial(self._copy, carries)
            app.agent(app.topic(topic, **raw), name=f"{app.conf.id}.copy-{carries}")(copy)
        app.agent(app.topic(feed, **raw), name=f"{app.conf.id}.tables")(self._read)
        app.task(self._write)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        app.on_rebalance_complete.connect(self._on_rebalance_complete, weak=False)

    def holder(self) -> str:
        """Return the address of the worker that has the tables, empty where nobody is known."""
        return self.app.holder_of(TP(self.feed, 0))

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self.ready = self.holds = False
        self._rebalances += 1
        self._batch.clear()
        self.tables.forget()

    async def _on_rebalance_complete(self, *_: Any, **__: Any) -> None:
        actives = self.app.assignor.assigned_actives()
        held = [tp.partition for tp in actives if tp.topic == self.feed]
        self.tables.reload(held)
        self.holds = bool(held)
        self.ready = True

    # -- from the topics to the feed

    async def _copy(self, carries: str, stream: Any) -> None:
        """Copy a topic's messages to the feed, in order, each acknowledged when it is there."""
        async for event in stream.noack().events():
            found = self._feed_event(carries, event.message)
            if found is None:
                event.ack()
                continue
            await self._slots.acquire()
            key = (task_id_of(found) or found.key or found.topic).encode()
            try:
                value = codec.dumps(found.stored())
                sent: Any = await self.app.producer.send(self.feed, key, value, None, None, None)
            except Exception:
                # not acknowledged, so it is read again
                self._slots.release()
                logger.exception("%s: could not copy to the feed", event.message.tp)
                await asyncio.sleep(backoff(1))
            else:
                sent.add_done_callback(partial(self._copied, event))

    def _copied(self, event: faust.Event, sent: asyncio.Future[Any]) -> None:
        self._slots.release()
        if not sent.cancelled() and sent.exception() is None:
            event.ack()

    def _feed_event(self, carries: str, message: Any) -> FeedEvent | None:
        if carries == "dead_letter":
            data: Any = self._dead_letter(message)
        else:
            try:
                data = codec.loads(message.value or b"")
            except ValueError:
                return None  # whoever reads that topic makes a dead letter of it
        kind, problem = kind_in(carries, data)
        if kind is None:
            logger.warning("%s %s: left out: %s", message.tp, message.offset, problem)
            return None
        if kind == "task" and not data.get("task_id"):
            data["task_id"] = derived_id(message.topic, message.partition, message.offset)
        return FeedEvent(
            kind=kind,
            at=time_text(message.timestamp),
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            key=(message.key or b"").decode("utf-8", "replace"),
            data=data,
        )

    def _dead_letter(self, message: Any) -> dict[str, Any]:
        told = dead_letters.context_of(message.headers)
        return {
            "task_id": _named(message) or self._derived(told.origin),
            "topic": told.topic,
            "partition": told.partition,
            "offset": told.offset,
            "error": told.error,
            "error_type": told.error_type,
            "text": cut(printable((message.value or b"").decode("utf-8", "replace")),
                        MOST_TEXT_BYTES),
        }  # fmt: skip

    def _derived(self, origin: Origin | None) -> str:
        if origin is None or origin.topic != self._tasks:
            return ""  # not one of ours
        return derived_id(origin.topic, origin.partition, origin.offset)

    # -- from the feed to the tables

    async def _read(self, stream: Any) -> None:
        """Work the feed into the tables, batch by batch."""
        async for event in stream.noack().events():
            if event.message.generation_id != self.app.consumer_generation_id:
                continue  # it comes once more
            try:
                found = FeedEvent.restored(codec.loads(event.value))
                self.tables.apply(event.message.partition, found)
            except (ValueError, KeyError, TypeError) as exc:
                logger.warning("%s %s: unreadable: %s", self.feed, event.message.offset, exc)
            self._batch.append(event)
            self._filled.set()
            if len(self._batch) >= BATCH:
                await asyncio.sleep(0)  # let the writer have its turn

    async def _write(self) -> None:
        while not self.app.should_stop:
            await self._filled.wait()
            await asyncio.sleep(BATCH_SECONDS)  # what comes meanwhile goes into the same batch
            self._filled.clear()
            if not self._batch or not self.ready:
                continue
            batch, self._batch = self._batch, []
            await self._written(self.tables.changes())
            for event in batch:
                event.ack()  # counts only in the generation in which it was read

    async def _written(self, changes: list[Change]) -> None:
        failures, rebalances = 0, self._rebalances
        # After a rebalance these would take away what has been worked in since: what they were made
        # of is not acknowledged, and read again by whoever has the feed then.
        while rebalances == self._rebalances:
            try:
                await asyncio.gather(*self.tables.write(changes))
            except Exception as exc:
                # an exception here would end the worker
                failures += 1
                known = isinstance(exc, MeshError | KafkaError)
                logger.warning(
                    "the observer's tables could not be written, trying again: %r",
                    exc,
                    exc_info=None if known else exc,
                )
                await asyncio.sleep(backoff(failures))
            else:
                return


def _named(message: Any) -> str:
    """Return the id that a dead letter's value gives its task, else its key."""
    try:
        task_id = codec.loads(message.value or b"").get("task_id")
    except (ValueError, AttributeError):
        task_id = None  # not JSON, or no object
    if isinstance(task_id, str) and task_id:
        return task_id
    return (message.key or b"").decode("utf-8", "replace")
