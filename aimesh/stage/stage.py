"""The Stage: the discipline by which every role works, so that nothing is lost or done twice.

A message is taken on as a job, which is durable before the message is acknowledged. The job's work
runs outside of the stream, in a bounded pool. Its result goes to the stage's own results topic,
which so records every answer that was paid for. Then the stage sends the outputs and closes the
job. Whatever is killed at whatever moment: the next owner of the partition finds either the
message, the open job or the result, and goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import faust
from faust.types import TP

from aimesh import codec
from aimesh.errors import TooLargeError
from aimesh.faustfix import MeshApp, MeshConsumer
from aimesh.faustfix.halving import TOO_LARGE
from aimesh.stage.finisher import Finisher
from aimesh.stage.intake import Admit, Intake
from aimesh.stage.job import Job
from aimesh.stage.ledger import Ledger
from aimesh.stage.letters import Letters
from aimesh.stage.pruning import Pruning
from aimesh.stage.recovery import Recovery, fatal
from aimesh.stage.runner import Runner, Work, backoff
from aimesh.stage.sending import send

logger = logging.getLogger(__name__)

Listener = Callable[[str, Job, dict[str, Any]], None]

DAY = 86400.0
# seconds for closing jobs that have their results, when the worker stops
CLOSING_GRACE = 3.0
# how often it is looked then whether jobs have begun to wait
LOOK_SECONDS = 0.1


class Stage:
    """Reads one topic, does one kind of work, sends what comes of it to others.

    Arguments:
        app: the Faust application of this stage; its id is the consumer group.
        name: tells stages of one application apart; not needed for a single one. All that they
            read must have the same number of partitions, so that Faust assigns them together.
        source: the topic that is read.
        kind: the record that the topic carries.
        work: does the work: gets the record and its `Job`, returns what is to be sent. It may run
            more than once for a job, and should raise `UnavailableError` for a service that is
            down, which is waited for, and `TooSlowError` for one that did not answer in time.
        admit: looks at a record and its message first; returns the record to work on, raises
            `Rejected` for one that never can be, `Skipped` for one that need not be. The record
            must have a ``task_id`` afterwards, and an ``attempt`` unless that is always the first.
        dead_letters_topic: where goes what cannot be worked on.
        owner: tells this process from all others, also from the one before it.
        partitions: of the source; the results topic and the tables have as many.
        slots: jobs at work at the same time in this process.
        deadline: seconds that one try may take.
        tries: how often work that fails is tried before it becomes a dead letter.
        retention: seconds for which finished jobs are remembered, to absorb duplicates.
        listener: told of what happens to jobs: started, restarted, done, absorbed, dead; and of
            messages that never became one: buried.
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
        name: str = "",
        admit: Admit = lambda record, message: record,
        partitions: int = 4,
        slots: int = 4,
        deadline: float = 300.0,
        tries: int = 3,
        retention: float = 7 * DAY,
        listener: Listener = lambda what, job, data: None,
    ) -> None:
        self.app = app
        self.source = source
        self.name = f"{app.conf.id}-{name}" if name else str(app.conf.id)
        self.results = f"{self.name}-results"
        self.owner = owner
        self._kind = kind
        self._listener = listener
        self.counts: Counter[str] = Counter()
        self.ledger = Ledger(app, partitions, f"{name}-" if name else "")
        self.runner = Runner(work, slots=slots, deadline=deadline, tries=tries)
        self.letters = Letters(self, dead_letters_topic)
        self.owned: set[int] = set()
        self._rebalances = 0
        self.running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.stopping = False
        self.intake = Intake(self, admit)
        self.finisher = Finisher(self)
        self.recovery = Recovery(self)
        self.pruning = Pruning(self, retention)
        self._attach()

    def _attach(self) -> None:
        app, name = self.app, self.name
        # the mesh creates its topics itself, with their retention, before any app starts
        source = app.topic(self.source, schema=codec.RecordSchema(self._kind), internal=False)
        results = app.topic(self.results, key_type=bytes, value_type=bytes, value_serializer="raw")
        app.agent(source, name=f"{name}.intake")(self.intake.read)
        app.agent(results, name=f"{name}.finish")(self.finisher.read)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        app.on_rebalance_complete.connect(self._on_rebalance_complete, weak=False)
        app.task(self.recovery.watch)
        app.task(self.pruning.run)

    # -- ownership

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._rebalances += 1
        self.owned = set()
        self.recovery.suspend()
        self.ledger.forget()
        self.finisher.forget()

    async def _on_rebalance_complete(self, *_: Any, **__: Any) -> None:
        rebalances = self._rebalances
        actives = self.app.assignor.assigned_actives()
        owned = {tp.partition for tp in actives if tp.topic == self.source}
        await self.ledger.reload(owned)
        if rebalances != self._rebalances:
            return  # another rebalance has begun meanwhile
        self.owned = owned
        self.recovery.resume()

    def results_partition(self, partition: int) -> TP:
        """Return the partition of the results topic that goes with one of the source."""
        return TP(self.results, partition)

    # -- what the parts share

    def let_go(self, event: faust.Event) -> None:
        """Leave a message alone, not acknowledged: should it still be ours, it comes again.

        A stage that stops wants none of them again.
        """
        consumer = self.app.consumer
        if isinstance(consumer, MeshConsumer) and not self.stopping:
            consumer.let_go(event.message)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something outside of the stream, held until it is done."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()):
            # its job stays open, and is found by the recovery
            logger.error("%s: a job's task failed", self.name, exc_info=exc)

    def tell(self, what: str, job: Job, data: dict[str, Any]) -> None:
        """Tell the listener what happened to a job."""
        try:
            self._listener(what, job, data)
        except Exception:
            # telling must never hurt the job
            logger.exception("the listener failed")

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: dict[str, str],
        partition: int | None = None,
    ) -> int:
        """Send a message and wait until the broker has it; return its offset.

        Raises:
            TooLargeError: it is larger than the mesh, or the broker, is set to.
        """
        return await send(self.app, topic, key, value, headers, partition)

    # -- jobs

    async def kept(self, job: Job, written: asyncio.Future[Any]) -> bool:
        """Wait until an open job is on the changelog; False where its partition has moved.

        Raises:
            TooLargeError: the broker never takes it.
        """
        failures = 0
        while True:
            try:
                await written
            except Exception as exc:
                if isinstance(exc, TOO_LARGE):
                    raise TooLargeError(f"the job does not fit: {exc}") from exc
                failures += 1
                logger.warning("%s: could not write job %s: %s", self.source, job.key, exc)
                await asyncio.sleep(backoff(failures))
                if job.partition not in self.owned:
                    return False
                if self.ledger.find(job.key) is None:
                    return True  # done meanwhile
                written = self.ledger.open(job)
            else:
                self.ledger.confirm(job)
                return True

    def released(self, job: Job) -> None:
        """Give the slot of a job back."""
        self.running.pop(job.key, None)
        self.runner.slots.release()

    async def restart(self, job: Job) -> None:
        """Take over an open job that nobody runs, and do its work."""
        await self.runner.slots.acquire()
        try:
            if job.partition not in self.owned or self.ledger.find(job.key) is None:
                return
            if self.ledger.was_seen(job):
                # finished: by an owner that was ended before it closed it, or that opened it again
                # when it had lost the partition; the mark may be on this disk alone
                await self.ledger.mark_seen(job)
                await self.ledger.close(job)
                return
            job = job.taken_over(self.owner)
            if await self.kept(job, self.ledger.open(job)):
                self.counts["restarted"] += 1
                record = codec.read(self._kind, job.value.encode())
                await self.work(job, record, "restarted")
            else:
                await self.finisher.give_back(job)
        except TooLargeError as exc:
            # the broker takes less now than it did
            await self.letters.bury_job(job, str(exc), type(exc).__name__)
            await self.ledger.close(job)
        finally:
            self.released(job)

    async def work(self, job: Job, record: Any, beginning: str) -> None:
        """Do a job's work on its record, and record the result."""
        if job.partition in self.owned and self.ledger.find(job.key) is None:
            return  # done by another owner while it was written down
        self.tell(beginning, job, {})
        result = fatal(job) or await self.runner.run(
            record, job, lambda: job.partition in self.owned
        )
        if result is None:
            await self.finisher.give_back(job)
            return
        if result.error:
            self.counts["dead"] += 1
            self.tell("dead", job, {"error": result.error, "error_type": result.error_type})
        await self.finisher.record(job, result)

    # -- the end

    async def drain(self, grace: float) -> None:
        """Stop taking jobs on, give those at work some seconds, then leave them to the next owner.

        What is cut off stays open in the table, and is started again by whoever owns it next.
        """
        self.stopping = True
        ends = time.monotonic() + grace
        # those that wait for a service, or begin to, would only use up the time
        while (at_work := self._at_work()) and time.monotonic() < ends:
            await asyncio.wait(at_work, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if closing := self.finisher.pending():
            await asyncio.wait(closing, timeout=CLOSING_GRACE)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _at_work(self) -> list[asyncio.Task[None]]:
        """Return the jobs that run and do not wait for a service that is down."""
        return [task for key, task in self.running.items() if key not in self.runner.waiting]
