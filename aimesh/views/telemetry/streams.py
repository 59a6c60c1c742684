"""What happens right now: as Server-Sent Events, which miss nothing, and over WebSockets."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator

import orjson
from aiohttp import web

from aimesh.records import now
from aimesh.services.feed import StreamEvent
from aimesh.tables.telemetry import history
from aimesh.tables.telemetry.live import Live, Told, Wanted
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.views.problems import Problem, integer
from aimesh.views.streams import HEADERS, HEARTBEAT_SECONDS, RETRY_MS, frames, heartbeat
from aimesh.views.telemetry.common import Source, text

logger = logging.getLogger(__name__)

PATH = "/api/v1/events/stream"
MOST_STREAMS = 1000
MOST_RECENT = 1000
AT_ONCE = 100
# seconds between two looks at what came, which bounds how often all clients are woken
BREATH = 0.05
STUCK_SECONDS = 60.0
_ID = re.compile(r"([0-9a-f]{1,32})-([0-9]{1,18})")
EXPIRED = "what came before was dropped by then"
UNKNOWN = "the position is not one of this log"


class EventStream:
    """Serves ``/api/v1/events/stream``, resumed exactly where a client left off."""

    def __init__(self, source: Source, live: Live) -> None:
        self._source = source
        self._live = live

    def routes(self) -> list[web.RouteDef]:
        """Return the stream's path."""
        return [web.get(PATH, self.get, allow_head=False)]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer with what came after ``Last-Event-ID``, and with what comes."""
        trace_id = text(request, "trace_id")
        recent = integer(request, "recent", 0, MOST_RECENT, least=0)
        tables = self._source.tables
        if self._live.connections >= MOST_STREAMS:
            raise Problem(503, "Too many streams", f"{MOST_STREAMS} are open, try later")
        last = request.headers.get("Last-Event-ID") or request.query.get("Last-Event-ID", "")
        client = _Client(self._source, self._live, trace_id, last)
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        self._live.connections += 1
        try:
            await response.write(f"retry: {RETRY_MS}\n\n".encode())
            async for batch in client.batches(tables, recent):
                async with asyncio.timeout(STUCK_SECONDS):
                    await response.write(frames(batch) or heartbeat(client.place))
        except (ConnectionError, TimeoutError) as exc:
            logger.debug("a client of the events is gone: %r", exc)
        finally:
            self._live.connections -= 1
        return response


class _Client:
    """One client's way through what happened."""

    def __init__(self, source: Source, live: Live, trace_id: str, last: str) -> None:
        self._source = source
        self._live = live
        self._trace_id = trace_id
        self._wanted = Wanted(frozenset({trace_id} if trace_id else ()))
        self._last = last
        self._tag = ""
        self._ordinal = 0
        # up to where it was told what is gone
        self._told_to = 0

    @property
    def place(self) -> str:
        """The id of the place that the client has reached."""
        return f"{self._tag}-{self._ordinal}"

    async def batches(
        self, tables: TelemetryTables, recent: int
    ) -> AsyncIterator[list[StreamEvent]]:
        """Iterate over what the client is to get; an empty batch now and then when nothing is."""
        if gap := self._begin(tables, recent):
            yield [gap]
        while not self._live.closed:
            try:
                tables = self._source.tables
            except Problem:
                return  # whoever has the tables now goes on from the client's place
            head = tables.next - 1
            told, from_tables = self._next(tables)
            if from_tables and (gap := self._missed(tables)):
                yield [gap]
            if told:
                yield [self._event(one) for one in told if self._wanted.admits(one)]
                self._ordinal = told[-1].ordinal
            if len(told) < AT_ONCE:
                self._ordinal = max(self._ordinal, head if from_tables else 0)
            if told:
                await asyncio.sleep(BREATH if len(told) < AT_ONCE else 0)
            elif not await self._live.news(HEARTBEAT_SECONDS):
                yield []

    def _begin(self, tables: TelemetryTables, recent: int) -> StreamEvent | None:
        """Find the client's place; return a gap where it cannot go on from there."""
        self._tag, head = tables.tag, tables.next - 1
        match = _ID.fullmatch(self._last)
        if match is None or match[1] != self._tag or int(match[2]) > head:
            self._ordinal = max(0, head - recent)
            return self._gap(None, UNKNOWN) if self._last else None
        self._ordinal = int(match[2])
        return None

    def _missed(self, tables: TelemetryTables) -> StreamEvent | None:
        """Return a gap where something is gone that the client did not get; once for each."""
        dropped_to = history.dropped_to(tables)
        if max(self._ordinal, self._told_to) >= dropped_to:
            return None
        missed, self._told_to = history.missed(tables, self._ordinal), dropped_to
        return self._gap(missed, EXPIRED) if missed else None

    def _gap(self, missed: int | None, reason: str) -> StreamEvent:
        data = {"type": "gap", "at": now(), "missed": missed, "reason": reason}
        return StreamEvent(self.place, "gap", orjson.dumps(data))

    def _next(self, tables: TelemetryTables) -> tuple[list[Told], bool]:
        """Return what comes next, and whether it had to be read from the tables."""
        first = self._live.first
        if first is not None and first <= self._ordinal + 1:
            return self._live.after(self._ordinal, AT_ONCE), False
        return history.after(tables, self._ordinal, AT_ONCE, self._trace_id), True

    def _event(self, told: Told) -> StreamEvent:
        self._ordinal = told.ordinal
        return StreamEvent(self.place, told.type, told.data)
