"""A client's view of the feed: from where it was, through what it missed, to what comes."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from aimesh.core import vectors
from aimesh.core.vectors import Place, Vector
from aimesh.services.feed.entries import Entry, StreamEvent, Wanted, entry_of, gap
from aimesh.services.feed.log import FeedLog
from aimesh.services.feed.shelf import Shelf

logger = logging.getLogger(__name__)

# one batch has at most so many events and, but for its last event, so many bytes
BATCH_EVENTS = 100
BATCH_BYTES = 256 << 10
# a client that is farther behind than this gets the newest of it, and a gap
MOST_BEHIND = 20_000
RETRY_SECONDS = 2.0

UNKNOWN = "the position is not one of this log"
EXPIRED = "the log does not reach back so far"
TOO_FAR = "the client is too far behind"

Batches = AsyncGenerator[list[StreamEvent], None]


class Source(Protocol):
    """What a subscription needs of the hub."""

    closed: bool

    @property
    def shelf(self) -> Shelf | None:
        """The recent part of the feed; None until it was read."""

    async def news(self, timeout: float) -> bool:
        """Wait until something came; False after ``timeout`` seconds without."""

    def catching_up(self) -> AbstractAsyncContextManager[tuple[FeedLog, AIOKafkaConsumer]]:
        """Open a reader of older parts of the log."""


class Subscription:
    """The feed as one client gets it; made by ``FeedHub.subscribe``.

    Nothing is buffered for a client: it reads from what the hub holds for all, at its own pace. A
    slow one reads from the log what has left the hub, and is told with a ``gap`` event when it is
    too far behind for that.
    """

    def __init__(
        self, source: Source, last_event_id: str | None, recent: int, wanted: Wanted
    ) -> None:
        self._source = source
        self._recent = recent
        self._wanted = wanted
        # whether the client has something already that the stream goes on from
        self._goes_on = bool(last_event_id)
        place = Place.decode(last_event_id) if last_event_id else None
        self._tag, self._position = (place.tag, place.vector) if place else ("", ())

    @property
    def place(self) -> str:
        """The id of the position that the client has reached; empty at the very beginning."""
        return Place(self._tag, self._position).encode() if self._tag else ""

    async def __aiter__(self) -> AsyncIterator[StreamEvent]:
        """Iterate over single events."""
        async with aclosing(self.batches(60.0)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(self, idle: float) -> Batches:
        """Iterate over batches of events until the hub stops.

        Arguments:
            idle: after so many seconds without an event, an empty batch comes.
        """
        while not self._source.closed:
            shelf = self._source.shelf
            if shelf is None:
                if not await self._source.news(idle):
                    yield []
                continue
            try:
                async with aclosing(await self._next(shelf, idle)) as batches:
                    async for batch in batches:
                        yield batch
            except (KafkaError, OSError, TimeoutError) as exc:
                logger.info("a client cannot catch up with the feed yet: %r", exc)
                yield []
                await self._source.news(RETRY_SECONDS)

    async def _next(self, shelf: Shelf, idle: float) -> Batches:
        """Return what is to be done with a shelf: begin, catch up with it, or follow it."""
        if not await self._is_of(shelf):
            return self._begin(shelf)
        if not vectors.covers(shelf.start, self._position):
            return self._catch_up(shelf)
        return self._follow(shelf, idle)

    async def _is_of(self, shelf: Shelf) -> bool:
        """Tell whether the position is one of the shelf's log."""
        if self._tag != shelf.tag or len(self._position) != len(shelf.head):
            return False
        if vectors.covers(self._position, shelf.head):
            return True
        # ahead of this hub: another one was quicker, or the log was made anew
        async with self._source.catching_up() as (log, consumer):
            _, end = await log.bounds(consumer)
        return vectors.covers(self._position, end)

    async def _begin(self, shelf: Shelf) -> Batches:
        """Send the recent past."""
        entries = shelf.keepsakes.newest(self._recent, self._wanted.admits)
        head = shelf.head
        start = vectors.before(head, ((entry.partition, entry.offset) for entry in entries))
        self._tag, self._position = shelf.tag, start
        if self._goes_on:
            yield [gap(self.place, None, UNKNOWN)]
        self._goes_on = True
        for some in _portions(entries):
            yield self._events(some)
        self._position = head

    async def _catch_up(self, shelf: Shelf) -> Batches:
        """Send what left the hub already, from the log."""
        oldest = vectors.newest(shelf.start, MOST_BEHIND // len(shelf.start))
        if vectors.count(vectors.missing(self._position, shelf.start)) > MOST_BEHIND:
            yield [self._skip_to(oldest, TOO_FAR)]
        async with self._source.catching_up() as (log, consumer):
            begin, _ = await log.bounds(consumer)
            if not vectors.covers(begin, self._position):
                yield [self._skip_to(begin, EXPIRED)]
            upto = shelf.start
            some: list[Entry] = []
            async for record in log.read(consumer, vectors.missing(self._position, upto)):
                some.append(entry_of(record))
                if _is_full(some):
                    yield self._events(some)
                    some = []
            yield self._events(some)
        self._position = vectors.merged(self._position, upto)

    async def _follow(self, shelf: Shelf, idle: float) -> Batches:
        """Send what the shelf has and what comes, as long as the hub has this shelf."""
        number = shelf.first
        while self._source.shelf is shelf and number >= shelf.first and not self._source.closed:
            some: list[Entry] = []
            while number < shelf.next and not _is_full(some):
                some.append(shelf.get(number))
                number += 1
            if events := self._events(some):
                yield events
            elif number == shelf.next and not await self._source.news(idle):
                yield []

    def _events(self, entries: Iterable[Entry]) -> list[StreamEvent]:
        """Move past entries; return events of those that the client wants and does not have."""
        events = []
        for entry in entries:
            if entry.offset >= self._position[entry.partition]:
                self._position = vectors.after(self._position, entry.partition, entry.offset)
                if self._wanted.admits(entry):
                    events.append(StreamEvent(self.place, entry.kind, entry.data))
        return events

    def _skip_to(self, vector: Vector, reason: str) -> StreamEvent:
        missed = vectors.count(vectors.missing(self._position, vector))
        self._position = vectors.merged(self._position, vector)
        return gap(self.place, missed, reason)


def _portions(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    some: list[Entry] = []
    for entry in entries:
        some.append(entry)
        if _is_full(some):
            yield some
            some = []
    yield some


def _is_full(entries: list[Entry]) -> bool:
    return len(entries) >= BATCH_EVENTS or sum(entry.size for entry in entries) >= BATCH_BYTES
