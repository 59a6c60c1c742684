"""The second half of a stage: records results, sends what they say, closes their jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import faust

from aimesh import codec
from aimesh.core import trace
from aimesh.errors import TooLargeError
from aimesh.records import now
from aimesh.stage.job import Job
from aimesh.stage.runner import Result, backoff

if TYPE_CHECKING:
    from aimesh.stage.stage import Stage

logger = logging.getLogger(__name__)

AT_ONCE = 256
# seconds for which a result waits for those before it to be read; then only the reader finishes it
ORDER_PATIENCE = 30.0


class Finisher:
    """Writes results to the stage's results topic, and finishes the jobs that they belong to.

    Where several workers have worked on a job (one was stopped for long and does not know that its
    partition has moved), the first result on the topic is the job's, for all of them. So results
    are finished in the order in which they are there: a worker finishes its own at once where it
    knows all before it, which it does unless another one has recorded some. After a crash they are
    finished by the one that reads them.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slots = asyncio.Semaphore(AT_ONCE)
        # jobs that are being closed right now, each with what says that it is done
        self._closing: dict[str, asyncio.Task[None]] = {}
        #: By partition: the offset up to which all results are known, read or recorded here.
        self.reached: dict[int, int] = {}
        # own results that others may be before, by partition and offset
        self._next: dict[tuple[int, int], asyncio.Event] = {}

    def forget(self) -> None:
        """Drop what was read of partitions that are taken away."""
        self.reached.clear()
        for waiting in self._next.values():
            waiting.set()

    def is_closing(self, key: str) -> bool:
        """Tell whether a job's result is there and its outputs are on their way."""
        return key in self._closing

    def pending(self) -> set[asyncio.Task[None]]:
        """Return the tasks that close jobs right now."""
        return set(self._closing.values())

    # -- recording

    async def record(self, job: Job, result: Result) -> None:
        """Make a result durable on the source's partition; tried until the broker has it."""
        data = _data(job, result, self._stage.owner)
        offset = await self._written(job, data)
        await self._finish_own(data, job.partition, offset)

    async def give_back(self, job: Job) -> None:
        """Tell the next owner of a job's partition that nobody works on the job here any more.

        It would wait for the job's deadline otherwise, as long as this worker lives.
        """
        note = {"key": job.key, "task_id": job.task_id, "attempt": job.attempt}
        await self._written(job, {**note, "worker": self._stage.owner, "given_back": True})

    async def _written(self, job: Job, data: dict[str, Any]) -> int:
        """Write to the results topic until the broker has it; return the offset."""
        failures = 0
        while True:
            try:
                value = codec.dumps(data)
                return await self._stage.send(
                    self._stage.results, job.key.encode(), value, {}, job.partition
                )
            except TooLargeError as exc:
                data |= {"sends": [], "error": str(exc), "error_type": type(exc).__name__}
            except Exception as exc:  # noqa: BLE001 - the producer raises whatever Kafka had
                failures += 1
                logger.warning("%s: could not record a result: %s", self._stage.results, exc)
                await asyncio.sleep(backoff(failures))

    async def _finish_own(self, data: Mapping[str, Any], partition: int, offset: int) -> None:
        """Finish a result that was just recorded, unless it was read meanwhile."""
        if partition in self._stage.owned and self._known(partition) < offset:
            await self._known_up_to(partition, offset)
        if partition in self._stage.owned and self._known(partition) == offset:
            self._reach(partition, offset + 1)
            await self._slots.acquire()
            self._begin(data, partition, None)

    async def _known_up_to(self, partition: int, offset: int) -> None:
        """Wait until all results before an offset are read, or the partition moves.

        The job keeps its slot for as long, so that it is not taken for one that nobody runs.
        """
        waiting = self._next[partition, offset] = asyncio.Event()
        try:
            async with asyncio.timeout(ORDER_PATIENCE):
                await waiting.wait()
        except TimeoutError:
            logger.warning("%s: what is before %s is not read", self._stage.results, offset)
        finally:
            del self._next[partition, offset]

    def _known(self, partition: int) -> int:
        """Return the offset up to which all results of a partition are known."""
        if partition in self.reached:
            return self.reached[partition]
        return self._stage.app.committed(self._stage.results_partition(partition))

    def _reach(self, partition: int, offset: int) -> None:
        """Note that all results before an offset are known."""
        if offset > self._known(partition):
            self.reached[partition] = offset
        for (waiting, place), event in self._next.items():
            if waiting == partition and place <= offset:
                event.set()

    async def read(self, stream: Any) -> None:
        """Send the outputs of results and close their jobs, as far as that has not been done."""
        async for event in stream.noack().events():
            partition = event.message.partition
            if not self._is_ours(event):
                self._stage.let_go(event)  # read again by whoever owns it next
                continue
            if (result := self._result(event)) is None:
                event.ack()
            else:
                await self._slots.acquire()
                if not self._is_ours(event):
                    self._slots.release()
                    self._stage.let_go(event)
                    continue
                self._begin(result, partition, event)
            self._reach(partition, event.message.offset + 1)

    def _is_ours(self, event: faust.Event) -> bool:
        """Tell whether a result was read since this worker was given its partition."""
        stage, message = self._stage, event.message
        current: int = stage.app.consumer_generation_id
        return message.partition in stage.owned and message.generation_id == current

    def _result(self, event: faust.Event) -> dict[str, Any] | None:
        """Return a result that is still to be finished, None where there is nothing to do."""
        try:
            if event.key and not self._is_open(event.key.decode()):
                return None  # as nearly all: finished by the one that recorded it
            result: dict[str, Any] = codec.loads(event.value)
            key = result["key"]
            if result.get("given_back"):
                self._stage.recovery.given_back(key, result["worker"])
                return None
        except (ValueError, KeyError, TypeError) as exc:
            logger.error("%s holds no result: %s", event.message, exc)
            return None
        return result if self._is_open(key) else None

    def _is_open(self, key: str) -> bool:
        return key in self._closing or self._stage.ledger.find(key) is not None

    # -- finishing

    def _begin(self, result: Mapping[str, Any], partition: int, event: faust.Event | None) -> None:
        key = result["key"]
        previous = self._closing.get(key)
        finish = self._finish(result, partition, event, previous)
        self._closing[key] = self._stage.spawn(finish)

    async def _finish(
        self,
        result: Mapping[str, Any],
        partition: int,
        event: faust.Event | None,
        previous: asyncio.Task[None] | None,
    ) -> None:
        key = result["key"]
        try:
            if previous is not None:
                await asyncio.wait([previous])
            if await self._closed(result, partition) and event is not None:
                event.ack()
        finally:
            self._slots.release()
            if self._closing.get(key) is asyncio.current_task():
                del self._closing[key]

    async def _closed(self, result: Mapping[str, Any], partition: int) -> bool:
        """Close the job of a result; False where its partition has moved."""
        stage = self._stage
        failures, sent = 0, set[int]()
        while partition in stage.owned:
            job = stage.ledger.find(result["key"])
            if job is None:
                return True
            try:
                if await self._close(job, result, sent):
                    stage.counts["done"] += 1
                    told = {name: result[name] for name in ("duration_s", "tries", "error")}
                    stage.tell("done", job, told)
                    return True
            except Exception as exc:  # noqa: BLE001 - the producer raises whatever Kafka had
                failures += 1
                logger.warning("%s: could not finish %s: %s", stage.results, job.key, exc)
                await asyncio.sleep(backoff(failures))
        return False

    async def _close(self, job: Job, result: Mapping[str, Any], sent: set[int]) -> bool:
        stage = self._stage
        if not stage.ledger.was_seen(job):
            await self._outputs(job, result, sent)
            if job.partition not in stage.owned:
                return False
        # also where it is marked: that may be on this disk alone, and no owner would know the job
        await stage.ledger.mark_seen(job)
        if job.partition not in stage.owned:
            return False
        await stage.ledger.close(job)
        return True

    async def _outputs(self, job: Job, result: Mapping[str, Any], sent: set[int]) -> None:
        if result["error"]:
            await self._stage.letters.bury_job(job, result["error"], result["error_type"])
            return
        outputs = [
            self._output(job, number, send, sent)
            for number, send in enumerate(result["sends"])
            if number not in sent
        ]
        if len(outputs) == 1:  # by far the most jobs, and a task less for each
            await outputs[0]
        else:
            await asyncio.gather(*outputs)

    async def _output(self, job: Job, number: int, send: dict[str, Any], sent: set[int]) -> None:
        key = send["key"] or job.task_id
        headers = {**self.headers(job, number, send["topic"]), **send["headers"]}
        try:
            await self._stage.send(send["topic"], key.encode(), send["text"].encode(), headers)
        except TooLargeError as exc:
            # the broker takes less than the mesh is set to
            await self._stage.letters.bury_job(job, str(exc), type(exc).__name__)
        sent.add(number)

    def headers(self, job: Job, number: int, topic: str) -> dict[str, str]:
        """Return trace context and CloudEvents attributes (binary mode) of an output."""
        source = self._stage.name
        parent = trace.parse_traceparent(job.headers.get("traceparent", ""))
        trace_id = parent[0] if parent else trace.trace_id(job.task_id)
        return {
            **job.headers,
            "traceparent": trace.traceparent(trace_id, trace.span_id(f"{source}/{job.key}")),
            "ce_specversion": "1.0",
            "ce_id": f"{source}/{job.key}/{number}",
            "ce_source": f"/{source}",
            "ce_type": f"aimesh.{topic}",
            "ce_time": now(),
            "content-type": "application/json",
        }


def _data(job: Job, result: Result, worker: str) -> dict[str, Any]:
    return {
        "task_id": job.task_id,
        "attempt": job.attempt,
        "key": job.key,
        "worker": worker,
        "started_at": result.started_at,
        "duration_s": round(result.duration_s, 6),
        "tries": result.tries,
        "error": result.error,
        "error_type": result.error_type,
        "headers": job.headers,
        "sends": list(result.sends),
    }
