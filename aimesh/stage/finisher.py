"""The second half of a stage: records results, sends what they say, closes their jobs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import faust
from aiokafka.errors import MessageSizeTooLargeError

from aimesh import codec
from aimesh.core import trace
from aimesh.records import now
from aimesh.stage.job import Job
from aimesh.stage.runner import Result, backoff

if TYPE_CHECKING:
    from aimesh.stage.stage import Stage

logger = logging.getLogger(__name__)

AT_ONCE = 256


class Finisher:
    """Writes results to the stage's results topic, and finishes the jobs of those that it reads."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slots = asyncio.Semaphore(AT_ONCE)
        # jobs that are being closed right now, each with what says that it is done
        self._closing: dict[str, asyncio.Task[None]] = {}
        # jobs whose results were recorded by this worker and not read yet
        self._recorded: set[str] = set()
        #: By partition: the offset up to which results were read.
        self.reached: dict[int, int] = {}

    def forget(self) -> None:
        """Drop what was read of partitions that are taken away."""
        self.reached.clear()
        self._recorded.clear()

    def has_result(self, key: str) -> bool:
        """Tell whether a job's result is recorded, or read and its outputs are on their way."""
        return key in self._closing or key in self._recorded

    async def record(self, job: Job, result: Result) -> None:
        """Make a result durable on the source's partition; tried until the broker has it."""
        value = codec.dumps(
            {
                "task_id": job.task_id,
                "attempt": job.attempt,
                "key": job.key,
                "worker": self._stage.owner,
                "started_at": result.started_at,
                "duration_s": round(result.duration_s, 6),
                "tries": result.tries,
                "error": result.error,
                "headers": job.headers,
                "sends": [send.stored() for send in result.sends],
            }
        )
        failures = 0
        while True:
            try:
                await self._stage.send(
                    self._stage.results, job.key.encode(), value, {}, job.partition
                )
            except MessageSizeTooLargeError:
                raise  # records are cut to size when they are made; this one was not
            except Exception as exc:  # noqa: BLE001 - the producer raises whatever Kafka had
                failures += 1
                logger.warning("%s: could not record a result: %s", self._stage.results, exc)
                await asyncio.sleep(backoff(failures))
            else:
                self._recorded.add(job.key)
                return

    async def read(self, stream: Any) -> None:
        """Send the outputs of results and close their jobs."""
        async for event in stream.noack().events():
            await self._slots.acquire()
            result = codec.loads(event.value)
            key = result["key"]
            self.reached[event.message.partition] = event.message.offset + 1
            previous = self._closing.get(key)
            task = self._stage.spawn(self._finish(result, event, previous))
            self._closing[key] = task
            self._recorded.discard(key)

    async def _finish(
        self, result: dict[str, Any], event: faust.Event, previous: asyncio.Task[None] | None
    ) -> None:
        stage, key = self._stage, result["key"]
        try:
            if previous is not None:
                await asyncio.wait([previous])
            failures = 0
            while event.message.partition in stage.owned:
                job = stage.ledger.find(key)
                if job is None:
                    stage.counts["absorbed_results"] += previous is not None
                    event.ack()
                    return
                try:
                    await self._close(job, result)
                except Exception as exc:  # noqa: BLE001 - the producer raises whatever Kafka had
                    failures += 1
                    logger.warning("%s: could not finish %s: %s", stage.results, key, exc)
                    await asyncio.sleep(backoff(failures))
                else:
                    event.ack()
                    return
        finally:
            self._slots.release()
            if self._closing.get(key) is asyncio.current_task():
                del self._closing[key]

    async def _close(self, job: Job, result: dict[str, Any]) -> None:
        stage = self._stage
        await asyncio.gather(*(self._output(job, n, s) for n, s in enumerate(result["sends"])))
        for write in (stage.ledger.mark_seen, stage.ledger.close):
            if job.partition not in stage.owned:
                return
            await write(job)
        stage.counts["done"] += 1
        stage.listener("done", job, {k: result[k] for k in ("duration_s", "tries", "error")})

    async def _output(self, job: Job, number: int, send: dict[str, Any]) -> None:
        key = send["key"] or job.task_id
        headers = {**self.headers(job, number, send["topic"]), **send["headers"]}
        await self._stage.send(send["topic"], key.encode(), send["text"].encode(), headers)

    def headers(self, job: Job, number: int, topic: str) -> dict[str, str]:
        """Return trace context and CloudEvents attributes (binary mode) of an output."""
        source = self._stage.app.conf.id
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
