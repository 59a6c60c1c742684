"""Reads along with the tables, and hands traces on once it is known what became of them."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.core.exporting.sampling import Decision, Sampler, Seen
from aimesh.core.exporting.spans import ExportSpan, exported
from aimesh.services.otlp import Otlp
from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import FAILED, RUNNING, Trace

logger = logging.getLogger(__name__)

PAUSE = 0.5
# a trace that has ended may still get something: so many seconds without are the end of it
QUIET = 2.0
MOST_MESSAGES = 1000
MOST_EXPORTED = 5000


@dataclass
class _Waiting:
    """A trace that waits to be decided on: since when, when it last changed, where it began."""

    since: float
    changed: float
    ordinal: int


class TailExporter:
    """Decides on traces and sends those that are kept.

    Where it has come to is written down, so that a worker that starts again goes on from there:
    what a crash repeats has the same ids.

    Arguments:
        observer: has the tables; only the worker that writes them down exports.
        sampler: decides.
        otlp: sends.
        place: the file for where it has come to.
        prefix: of all topics' names.
    """

    def __init__(
        self,
        observer: TelemetryObserver,
        sampler: Sampler,
        otlp: Otlp,
        place: Path,
        prefix: str = "",
    ) -> None:
        self._observer = observer
        self.sampler = sampler
        self.otlp = otlp
        self._file = place
        self._prefix = prefix
        self._ordinal: int | None = None
        self._of: object = None
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._exported: OrderedDict[str, set[int]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    @property
    def buffered(self) -> int:
        """How many traces wait to be decided on."""
        return len(self._waiting)

    @property
    def is_following(self) -> bool:
        """Whether it has begun to read along."""
        return self._ordinal is not None

    async def start(self) -> None:
        """Begin, where there is anywhere to send to."""
        await self.otlp.start()
        if self.otlp.is_active:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; what was not decided on comes again with the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.otlp.stop()

    async def _run(self) -> None:
        while True:
            try:
                if self._observer.ready and self._observer.holds_feed:
                    await self.step(self._observer.tables)
            except Exception:
                # one trace that cannot be exported must not end the export of others
                logger.exception("traces could not be exported")
            await asyncio.sleep(PAUSE)

    async def step(self, tables: TelemetryTables) -> None:
        """Take in what is new, and decide on what is due."""
        if self._of is not tables.errors:
            self._of, self._ordinal = tables.errors, self._restored(tables)
            self._waiting.clear()
        now = time.monotonic()
        self._take(tables, now)
        for name in self._due(tables, now):
            del self._waiting[name]
            self.export(tables, name)
            await asyncio.sleep(0)
        self._keep(tables)

    def _take(self, tables: TelemetryTables, now: float) -> None:
        for ordinal, name in _touched(tables, self._ordinal or 0):
            known = self._waiting.get(name)
            if known is None:
                self._waiting[name] = _Waiting(now, now, ordinal)
            else:
                known.changed = now
        self._ordinal = tables.next - 1

    def _due(self, tables: TelemetryTables, now: float) -> list[str]:
        config = self.sampler.config
        over = len(self._waiting) - config.tail_buffer_traces
        found = []
        for place, (name, waiting) in enumerate(self._waiting.items()):
            is_old = now - waiting.since >= config.tail_buffer_seconds
            is_quiet = now - waiting.changed >= QUIET
            if place < over or is_old or (is_quiet and _has_ended(tables, name)):
                found.append(name)
        return found

    def export(self, tables: TelemetryTables, name: str, *, force: bool = False) -> int:
        """Send what has ended of a trace and was not sent before; return how many spans.

        Arguments:
            tables: the tables.
            name: the trace's id.
            force: whether it is sent whatever the sampler says, and again.
        """
        detail = reading.detail(tables, name, MOST_MESSAGES)
        if detail is None:
            return 0
        errors = [event for event in detail.events if event["type"] == "agent_error"]
        spans = exported(detail.trace["trace_id"], detail.spans, errors, self._prefix)
        if force:
            return self.otlp.offer(spans)
        sent = self._exported.setdefault(name, set())
        fresh = [span for span in spans if span.span_id not in sent]
        decision = self.sampler.decide(self._seen(tables, detail.trace, fresh, len(errors)))
        if not decision.keep:
            return 0
        chosen = _fitting(fresh, decision)
        sent |= {span.span_id for span in fresh}
        while len(self._exported) > MOST_EXPORTED:
            self._exported.popitem(last=False)
        return self.otlp.offer(chosen)

    def _seen(
        self, tables: TelemetryTables, trace: reading.Shown, spans: list[ExportSpan], errors: int
    ) -> Seen:
        took = trace["duration_ms"]
        if took is None and spans:
            took = (max(s.end_ns for s in spans) - min(s.start_ns for s in spans)) / 1e6
        return Seen(
            trace_id=trace["trace_id"],
            duration_ms=took or 0.0,
            failed=trace["status"] == FAILED or errors > 0,
            session_id=trace["session_id"] or "",
            agents=tuple(trace["agents"]),
            spans=len(spans),
            events=sum(len(span.events) for span in spans),
        )

    # -- where it has come to

    def _keep(self, tables: TelemetryTables) -> None:
        first = min((w.ordinal for w in self._waiting.values()), default=tables.next)
        text = json.dumps({"tag": tables.tag, "next": first})
        try:
            if not self._file.exists() or self._file.read_text() != text:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                fresh = self._file.with_suffix(".new")
                fresh.write_text(text)
                fresh.replace(self._file)
        except OSError as exc:
            logger.warning("%s cannot be written: %s", self._file, exc)

    def _restored(self, tables: TelemetryTables) -> int:
        """Return the last place that is done with; without a note, all that is there is."""
        try:
            found = json.loads(self._file.read_text())
            if found["tag"] == tables.tag:
                return min(int(found["next"]), tables.next) - 1
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return tables.next - 1


def _touched(tables: TelemetryTables, after: int) -> Iterator[tuple[int, str]]:
    """Iterate over the traces of which something came after a place."""
    messages = tables.messages
    for number in range(messages.from_ordinal(after + 1), messages.ledger.next):
        trace = tables.traces.numbered(messages.trace_number_of(number))
        if trace is not None:
            yield messages.ordinal_of(number), trace.trace_id
    for ordinal, _, trace in tables.tasks.after(after):
        yield ordinal, trace.trace_id


def _has_ended(tables: TelemetryTables, name: str) -> bool:
    traces: list[Trace | None] = [tables.traces.of_messages(name), tables.traces.of_task(name)]
    known = [trace for trace in traces if trace is not None]
    # a stage may still be at work when a task is reviewed already
    return all(trace.status not in (RUNNING, "") and not trace.open for trace in known)


def _fitting(spans: list[ExportSpan], decision: Decision) -> list[ExportSpan]:
    """Return as many spans as there is room for, with as many of their events."""
    room, chosen = decision.events, []
    for span in spans[: decision.spans]:
        chosen.append(replace(span, events=span.events[:room]))
        room -= min(room, len(span.events))
    return chosen
