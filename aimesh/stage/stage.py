"""The Stage: the discipline by which every role works, so that nothing is lost or done twice.

A message is taken on as a job, which is durable before the message is acknowledged. The job's work
runs outside of the stream, in a bounded pool. Its result goes to the stage's own results topic,
which so records every answer that was paid for. Reading that topic, the stage sends the outputs and
closes the job. Whatever is killed at whatever moment: the next owner of the partition finds either
the message, the open job or the result, and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import faust
from faust.types import TP

from aimesh import codec, dead_letters
from aimesh.faustfix import MeshApp
from aimesh.stage.finisher import Finisher
from aimesh.stage.job import Job, Rejected, Send, Skipped, carried
from aimesh.stage.ledger import Ledger
from aimesh.stage.recovery import Recovery
from aimesh.stage.runner import Result, Runner, Work, backoff

logger = logging.getLogger(__name__)

Admit = Callable[[Any, Any], Any]
Listener = Callable[[str, Job, dict[str, Any]], None]


class Stage:
    """Reads one topic, does one kind of work, sends what comes of it to others.

    Arguments:
        app: the Faust application of this stage alone; its id is the consumer group.
        source: the topic that is read.
        kind: the record that the topic carries.
        work: does the work: gets the record and its `Job`, returns what is to be sent. It may run
            more than once for a job, and should raise `UnavailableError` for a service that is
            down, which is waited for.
        admit: looks at a record and its message first; returns the record to work on, raises
            `Rejected` for one that never can be, `Skipped` for one that need not be. The record
            must have a ``task_id`` afterwards, and an ``attempt`` unless that is always the first.
        dead_letters_topic: where goes what cannot be worked on.
        partitions: of the source; the results topic and the tables have as many.
        slots: jobs at work at the same time in this process.
        deadline: seconds that one try may take.
        tries: how often work that fails is tried before it becomes a dead letter.
        listener: told of what happens to jobs: started, restarted, done, absorbed, dead.
    """

    def __init__(
        self,
        app: MeshApp,
        *,
        source: str,
        kind: type[faust.Record],
        work: Work,
        dead_letters_topic: str,
        owner: str,
        admit: Admit = lambda record, message: record,
        partitions: int = 4,
        slots: int = 4,
        deadline: float = 300.0,
        tries: int = 3,
        listener: Listener = lambda what, job, data: None,
    ) -> None:
        self.app = app
        self.source = source
        self.results = f"{app.conf.id}-results"
        self.owner = owner
        self.kind = kind
        self._admit = admit
        self._dead_letters = dead_letters_topic
        self.listener = listener
        self.counts: Counter[str] = Counter()
        self.ledger = Ledger(app, source, partitions)
        self.runner = Runner(work, slots=slots, deadline=deadline, tries=tries)
        self.owned: set[int] = set()
        self.running: dict[str, asyncio.Task[None]] = {}
        self._admitting: dict[str, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.stopping = False
        self.finisher = Finisher(self)
        self.recovery = Recovery(self)
        self._attach(partitions)

    def _attach(self, partitions: int) -> None:
        app, name = self.app, self.app.conf.id
        # the mesh creates its topics itself, with their retention, before any app starts
        source = app.topic(self.source, schema=codec.RecordSchema(self.kind), internal=False)
        results = app.topic(self.results, key_type=bytes, value_type=bytes, value_serializer="raw")
        app.agent(source, name=f"{name}.intake")(self._intake)
        app.agent(results, name=f"{name}.finish")(self.finisher.read)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        app.on_rebalance_complete.connect(self._on_rebalance_complete, weak=False)
        app.task(self.recovery.watch)

    # -- ownership

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self.owned = set()
        self.recovery.suspend()
        self.ledger.forget()
        self.finisher.forget()

    async def _on_rebalance_complete(self, *_: Any, **__: Any) -> None:
        actives = self.app.assignor.assigned_actives()
        self.owned = {tp.partition for tp in actives if tp.topic == self.source}
        self.ledger.reload(self.owned)
        self.recovery.resume()

    def results_partition(self, partition: int) -> TP:
        """Return the partition of the results topic that goes with one of the source."""
        return TP(self.results, partition)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something outside of the stream, held until it is done."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- intake

    async def _intake(self, stream: Any) -> None:
        """Take messages on as jobs, as far as there are free slots."""
        async for event in stream.noack().events():
            try:
                await self._take(event)
            except Exception:
                # Not acknowledged, so it is read again; an exception that escapes is a lost message
                logger.exception("%s: intake failed, reading again", self.app.conf.id)
                await asyncio.sleep(1.0)

    async def _take(self, event: faust.Event) -> None:
        job = await self._judged(event)
        if job is None or self._absorbed(job, event):
            return
        await self.runner.slots.acquire()
        if self.stopping or event.message.partition not in self.owned or self._is_stale(event):
            # moved away while waiting: left alone, so that whoever owns it now gets it
            self.runner.slots.release()
            return
        written = self.ledger.open(job)
        self._admitting[job.key] = written
        self.running[job.key] = self.spawn(self._admitted(job, event, written))

    def _is_stale(self, event: faust.Event) -> bool:
        return bool(event.message.generation_id != self.app.consumer_generation_id)

    async def _judged(self, event: faust.Event) -> Job | None:
        message, record = event.message, event.value
        try:
            if isinstance(record, codec.Undecodable):
                raise Rejected(record.reason)
            record = self._admit(record, message)
        except Skipped:
            self.counts["skipped"] += 1
            event.ack()
            return None
        except Rejected as exc:
            await self._bury(event, str(exc))
            return None
        return Job(
            task_id=record.task_id,
            attempt=getattr(record, "attempt", 1),
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            value=codec.dumps(record).decode(),
            headers=carried(message.headers),
            owner=self.owner,
        )

    def _absorbed(self, job: Job, event: faust.Event) -> bool:
        """Acknowledge a message whose job is known; not before that knowledge is durable."""
        if self.ledger.find(job.key) is None and not self.ledger.was_seen(job):
            return False
        self.counts["absorbed"] += 1
        self.listener("absorbed", job, {})
        if written := self._admitting.get(job.key):
            self.spawn(self._ack_after(written, event))
        else:
            event.ack()
        return True

    async def _ack_after(self, written: asyncio.Future[Any], event: faust.Event) -> None:
        await asyncio.wait([written])
        if not written.cancelled() and written.exception() is None:
            event.ack()

    async def _bury(self, event: faust.Event, reason: str) -> None:
        message = event.message
        headers = dead_letters.headers(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.timestamp,
            error_type="Rejected",
            error=reason,
            carried=carried(message.headers),
        )
        await self.send(self._dead_letters, message.key, message.value or b"", headers)
        self.counts["dead"] += 1
        logger.warning("%s %s: dead letter: %s", message.tp, message.offset, reason)
        event.ack()

    # -- work

    async def _admitted(self, job: Job, event: faust.Event, written: asyncio.Future[Any]) -> None:
        try:
            if await self._durable(job, written):
                event.ack()
                await self._work(job, "started")
        finally:
            self._admitting.pop(job.key, None)
            self._released(job)

    def _released(self, job: Job) -> None:
        self.running.pop(job.key, None)
        self.runner.slots.release()

    async def _durable(self, job: Job, written: asyncio.Future[Any]) -> bool:
        """Wait until an open job is on the changelog; False where its partition has moved."""
        failures = 0
        while True:
            try:
                await asyncio.shield(written)
            except Exception as exc:  # noqa: BLE001 - the producer raises whatever Kafka had
                failures += 1
                logger.warning("%s: could not write job %s: %s", self.source, job.key, exc)
                await asyncio.sleep(backoff(failures))
                if job.partition not in self.owned:
                    return False
                written = self.ledger.open(job)
            else:
                return True

    async def restart(self, job: Job) -> None:
        """Take over an open job that nobody runs, and do its work."""
        await self.runner.slots.acquire()
        try:
            job = job.taken_over(self.owner)
            still_ours = job.partition in self.owned and self.ledger.find(job.key) is not None
            if still_ours and await self._durable(job, self.ledger.open(job)):
                self.counts["restarted"] += 1
                await self._work(job, "restarted")
        finally:
            self._released(job)

    async def _work(self, job: Job, beginning: str) -> None:
        record = codec.read(self.kind, job.value.encode())
        self.listener(beginning, job, {})
        result = await self.runner.run(record, job)
        if result.error:
            result = self._dead(job, result)
        await self.finisher.record(job, result)

    def _dead(self, job: Job, result: Result) -> Result:
        headers = dead_letters.headers(
            topic=job.topic,
            partition=job.partition,
            offset=job.offset,
            timestamp=job.opened_at,
            error_type=result.error_type,
            error=result.error,
            carried=job.headers,
        )
        letter = Send(self._dead_letters, job.value, job.task_id, headers)
        self.counts["dead"] += 1
        self.listener("dead", job, {"error": result.error, "error_type": result.error_type})
        return Result(
            [letter], result.error, result.error_type, result.started_at, result.duration_s,
            result.tries,
        )  # fmt: skip

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: dict[str, str],
        partition: int | None = None,
    ) -> None:
        """Send a message and wait until the broker has it."""
        pairs = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
        sent = await self.app.producer.send(topic, key, value, partition, None, pairs)
        await sent

    # -- the end

    async def drain(self, grace: float) -> None:
        """Stop taking jobs on, give those at work some seconds, then leave them to the next owner.

        What is cut off stays open in the table, and is started again by whoever owns it next.
        """
        self.stopping = True
        if self.running:
            await asyncio.wait(list(self.running.values()), timeout=grace)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
