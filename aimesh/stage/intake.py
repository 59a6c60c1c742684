"""The first half of a stage: takes messages on as jobs, as far as there are free slots."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import faust
from aiokafka.errors import KafkaError

from aimesh import codec, dead_letters
from aimesh.core.identity import derived_id
from aimesh.errors import MeshError, TooLargeError, UnavailableError
from aimesh.stage.job import Job, Rejected, Skipped, carried
from aimesh.stage.runner import backoff

if TYPE_CHECKING:
    from aimesh.stage.stage import Stage

logger = logging.getLogger(__name__)

Admit = Callable[[Any, Any], Any]

MOST_KEY_BYTES = 1024


class Intake:
    """Reads the source. A message is acknowledged when its job is durable, and not before."""

    def __init__(self, stage: Stage, admit: Admit) -> None:
        self._stage = stage
        self._admit = admit
        # jobs that are being written down for the first time
        self._writing: dict[str, asyncio.Future[bool]] = {}

    async def read(self, stream: Any) -> None:
        """Take messages on as jobs."""
        async for event in stream.noack().events():
            failures = 0
            while True:
                # one that has moved away is left alone, so that whoever owns it now gets it
                if self._has_moved(event):
                    self._stage.let_go(event)
                    break
                try:
                    await self._take(event)
                    break
                except Exception as exc:
                    # what escapes an agent is a message lost
                    failures += 1
                    known = isinstance(exc, MeshError | KafkaError)
                    logger.warning(
                        "%s: could not be taken on, trying again: %r",
                        event.message,
                        exc,
                        exc_info=None if known else exc,
                    )
                    await asyncio.sleep(backoff(failures))

    def _has_moved(self, event: faust.Event) -> bool:
        stage, message = self._stage, event.message
        return bool(
            stage.stopping
            or message.partition not in stage.owned
            or message.generation_id != stage.app.consumer_generation_id
            or not stage.app.flow_control.is_active()
        )

    async def _take(self, event: faust.Event) -> None:
        stage = self._stage
        try:
            job, record = self._judged(event)
        except Skipped:
            stage.counts["skipped"] += 1
            event.ack()
            return
        except Rejected as exc:
            await self._bury(event, str(exc))
            return
        if self._absorbs(job, event):
            return
        await stage.runner.slots.acquire()
        if self._has_moved(event):
            stage.runner.slots.release()
            stage.let_go(event)
            return
        try:
            written = stage.ledger.open(job)
        except TooLargeError as exc:
            stage.runner.slots.release()
            await self._bury(event, str(exc), type(exc).__name__)
        except BaseException:
            stage.runner.slots.release()
            raise
        else:
            stage.running[job.key] = stage.spawn(self._admitted(job, record, event, written))

    # -- looking at a message

    def _judged(self, event: faust.Event) -> tuple[Job, Any]:
        """Make a job of a message; return it with the record that it works on.

        Raises:
            Rejected, Skipped: it is none.
            UnavailableError: that cannot be told now.
        """
        try:
            return self._job(event)
        except (Rejected, Skipped, UnavailableError):
            raise
        except Exception as exc:
            # it would be the same every time
            logger.exception("%s: looking at it failed", event.message)
            raise Rejected(f"{type(exc).__name__}: {exc}") from exc

    def _job(self, event: faust.Event) -> tuple[Job, Any]:
        message, record = event.message, event.value
        if isinstance(record, codec.Undecodable):
            raise Rejected(record.reason)
        record = self._admit(record, message)
        job = Job(
            task_id=record.task_id,
            attempt=getattr(record, "attempt", 1),
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            value=codec.dumps(record).decode(),
            headers=carried(message.headers),
            owner=self._stage.owner,
        )
        if not job.task_id:
            raise Rejected("field 'task_id' is empty")
        if (size := len(job.key.encode())) > MOST_KEY_BYTES:
            raise Rejected(f"field 'task_id' makes a key of {size} bytes, {MOST_KEY_BYTES} may be")
        return job, record

    def _absorbs(self, job: Job, event: faust.Event) -> bool:
        """Acknowledge a message whose job is known, as soon as that knowledge is durable."""
        stage = self._stage
        known = stage.ledger.find(job.key)
        if known is None and not stage.ledger.was_seen(job):
            return False
        stage.counts["absorbed"] += 1
        stage.tell("absorbed", job, {})
        if known is None or stage.ledger.is_durable(known.key):
            event.ack()
        else:
            stage.spawn(self._ack_when_durable(known, event))
        return True

    async def _ack_when_durable(self, job: Job, event: faust.Event) -> None:
        if writing := self._writing.get(job.key):
            kept = await asyncio.shield(writing)
        else:
            kept = await self._stage.kept(job, self._stage.ledger.open(job))
        if kept:
            event.ack()

    async def _bury(
        self, event: faust.Event, reason: str, kind: str = dead_letters.REJECTED
    ) -> None:
        await self._stage.letters.bury(event.message, reason, kind)
        self._stage.counts["dead"] += 1
        self._stage.tell("buried", _named(event.message), {"error": reason, "error_type": kind})
        logger.warning("%s %s: dead letter: %s", event.message.tp, event.message.offset, reason)
        event.ack()

    # -- a job that was taken on

    async def _admitted(
        self, job: Job, record: Any, event: faust.Event, written: asyncio.Future[Any]
    ) -> None:
        stage = self._stage
        self._writing[job.key] = durable = asyncio.get_running_loop().create_future()
        try:
            kept = await stage.kept(job, written)
            durable.set_result(kept)
            if kept:
                event.ack()
                await stage.work(job, record, "started")
            else:
                await stage.finisher.give_back(job)
        except TooLargeError as exc:
            # the broker takes less than the mesh is set to
            await self._bury(event, str(exc), type(exc).__name__)
            await stage.ledger.close(job)
        finally:
            if not durable.done():
                durable.set_result(False)
            if self._writing.get(job.key) is durable:
                del self._writing[job.key]
            stage.released(job)


def _named(message: Any) -> Job:
    """Return what can be told of a message that never became a job."""
    return Job(
        task_id=(message.key or b"").decode("utf-8", "replace")
        or derived_id(message.topic, message.partition, message.offset),
        attempt=1,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        value="",
        headers=carried(message.headers),
    )
