"""The door to an OpenTelemetry collector: spans in batches, tried again, every drop counted."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from aimesh.core.exporting.spans import ExportSpan
from aimesh.errors import SettingsError
from aimesh.version import __version__

logger = logging.getLogger(__name__)

SCHEMA_URL = Schemas.V1_37_0.value
SCOPE = InstrumentationScope("aimesh", __version__, SCHEMA_URL)
TRIES = 5
BACKOFF_FIRST, BACKOFF_MOST = 1.0, 30.0
# seconds that the last spans get to leave
STOP_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class OtlpSettings:
    """What the OpenTelemetry variables say. Times are seconds.

    Headers, certificates, compression and time-outs are read by the exporter itself.
    """

    endpoint: str
    queue: int = 2048
    batch: int = 512
    delay: float = 5.0
    service: str = "aimesh"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> OtlpSettings:
        """Read them; without an endpoint, or switched off, the endpoint is empty.

        Raises:
            SettingsError: a number is none.
        """
        endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
        if not endpoint and (base := environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")):
            endpoint = base.rstrip("/") + "/v1/traces"
        off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        if off or environ.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
            endpoint = ""
        return cls(
            endpoint=endpoint,
            queue=_whole(environ, "OTEL_BSP_MAX_QUEUE_SIZE", 2048),
            batch=_whole(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
            delay=_whole(environ, "OTEL_BSP_SCHEDULE_DELAY", 5000) / 1000,
            service=environ.get("OTEL_SERVICE_NAME", "") or "aimesh",
        )


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SettingsError(f"{name}={text!r} cannot be used: it must be a whole number from 1")
    return int(text)


class Otlp:
    """Sends spans to one endpoint.

    Arguments:
        settings: where to, and how many at once.
        make: makes the exporter; left out, the official one for OTLP over HTTP.
        tries: how often a batch is tried before it is dropped and counted.
        first_pause: seconds after the first failure; they double each time.
    """

    def __init__(
        self,
        settings: OtlpSettings,
        *,
        make: Callable[[str], SpanExporter] | None = None,
        tries: int = TRIES,
        first_pause: float = BACKOFF_FIRST,
    ) -> None:
        self.settings = settings
        self._make = make or (lambda endpoint: OTLPSpanExporter(endpoint=endpoint))
        self._tries = tries
        self._pause = first_pause
        self._exporter: SpanExporter | None = None
        self._resource = Resource.create({"service.name": settings.service})
        self._queue: deque[ExportSpan] = deque()
        self._filled = asyncio.Event()
        self._sending = asyncio.Lock()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.counts: Counter[str] = Counter()
        self.problem = ""

    @property
    def is_active(self) -> bool:
        """Whether there is anywhere to send to."""
        return bool(self.settings.endpoint)

    def offer(self, spans: Iterable[ExportSpan]) -> int:
        """Put spans into the queue; return how many had room, the others are counted as dropped."""
        taken = 0
        for span in spans:
            if len(self._queue) >= self.settings.queue:
                self.counts["dropped_queue_full"] += 1
            else:
                self._queue.append(span)
                taken += 1
        self.counts["queued_spans"] += taken
        if len(self._queue) >= self.settings.batch:
            self._filled.set()
        return taken

    async def start(self) -> None:
        """Begin to send, where there is anywhere to send to."""
        if self.is_active:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send what is left, once, and end; what a collector does not take by then is dropped."""
        self._ending.set()
        self._filled.set()
        if self._task is None:
            await self._shut()
            return
        _, late = await asyncio.wait([self._task], timeout=STOP_SECONDS)
        await self._shut()
        if late:
            await self._task

    async def _shut(self) -> None:
        if self._exporter is not None:
            await asyncio.to_thread(self._exporter.shutdown)

    async def _run(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), self.settings.delay)
            self._filled.clear()
            await self.flush()
        await self.flush(tries=1)

    async def flush(self, tries: int | None = None) -> int:
        """Send all that waits; return how many spans have arrived."""
        arrived = 0
        async with self._sending:
            while self._queue:
                number = min(self.settings.batch, len(self._queue))
                batch = [self._queue.popleft() for _ in range(number)]
                arrived += await self._send(batch, tries or self._tries)
        return arrived

    async def _send(self, batch: Sequence[ExportSpan], tries: int) -> int:
        spans = [self._readable(span) for span in batch]
        pause = self._pause
        for attempt in range(1, tries + 1):
            if await self._exported(spans):
                self.counts["exported_spans"] += len(spans)
                self.counts["exported_batches"] += 1
                self._note("")
                return len(spans)
            self.counts["failed_exports"] += 1
            self._note(f"{self.settings.endpoint} does not take spans")
            if attempt == tries or self._ending.is_set():
                break
            self.counts["retries"] += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            pause = min(BACKOFF_MOST, 2 * pause)
        self.counts["dropped_export_failed"] += len(spans)
        return 0

    async def _exported(self, spans: Sequence[ReadableSpan]) -> bool:
        if self._exporter is None:
            self._exporter = self._make(self.settings.endpoint)
        result = await asyncio.to_thread(self._exporter.export, spans)
        return result is SpanExportResult.SUCCESS

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            if problem:
                logger.warning("%s; they are kept and tried again", problem)
            else:
                logger.info("%s takes spans again", self.settings.endpoint)
        self.problem = problem

    def _readable(self, span: ExportSpan) -> ReadableSpan:
        flags = TraceFlags(TraceFlags.SAMPLED)

        def context(span_id: int) -> SpanContext:
            return SpanContext(span.trace_id, span_id, is_remote=False, trace_flags=flags)

        status = Status(StatusCode.ERROR, span.description) if span.failed else Status()
        return ReadableSpan(
            name=span.name,
            context=context(span.span_id),
            parent=None if span.parent_id is None else context(span.parent_id),
            resource=self._resource,
            attributes=span.attributes,
            events=[Event(e.name, dict(e.attributes), e.at_ns) for e in span.events],
            kind=SpanKind[span.kind],
            status=status,
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=SCOPE,
        )

    def metrics(self) -> dict[str, Any]:
        """Return what was counted."""
        names = (
            "queued_spans", "exported_spans", "exported_batches", "failed_exports", "retries",
            "dropped_queue_full", "dropped_export_failed",
        )  # fmt: skip
        return {**{name: self.counts[name] for name in names}, "waiting_spans": len(self._queue)}
