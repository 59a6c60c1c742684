"""The hub: follows the feed once for all clients, and lets each of them read at its own pace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from aimesh.core import vectors
from aimesh.core.vectors import Vector
from aimesh.errors import UnavailableError
from aimesh.services.announcing import Announcer
from aimesh.services.feed.entries import Wanted, entry_of
from aimesh.services.feed.log import FeedLog
from aimesh.services.feed.shelf import Keepsakes, Shelf
from aimesh.services.feed.subscription import Subscription
from aimesh.services.kafka_access import OPEN, KafkaAccess

logger = logging.getLogger(__name__)

# messages of each partition that are read at the start
LOOK_BACK = 500
# and up to how many, where those before held fewer lasting events than LASTING
LOOK_BACK_MOST = 16_000
LASTING = 400
PAUSE_LEAST, PAUSE_MOST = 0.25, 10.0
# Seconds between two looks at what came: bounds how often all clients are woken. Waking one takes
# some 0.1 ms, so that many would take all of the worker's time; they get more at once instead.
BREATH = 0.03
BREATH_OF_CLIENT = 0.0002
AT_ONCE = 500
MOST_CATCHING_UP = 4


class FeedHub(Announcer):
    """Follows the feed and serves it to any number of clients.

    Kafka or the topic may come and go: the hub waits for them, and so do its clients.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        topic: the feed's name.
        partitions: how many partitions it has.
        access: what the brokers ask of clients.
    """

    def __init__(
        self, bootstrap: str, topic: str, partitions: int, access: KafkaAccess = OPEN
    ) -> None:
        super().__init__()
        self._log = FeedLog(bootstrap, topic, partitions, access)
        self._task: asyncio.Task[None] | None = None
        self._shelf: Shelf | None = None
        self._catching_up = asyncio.Semaphore(MOST_CATCHING_UP)
        self.closed = False

    async def start(self) -> None:
        """Begin to follow the feed, in a task of its own."""
        self._task = asyncio.create_task(self._run(), name="feed hub")

    async def stop(self) -> None:
        """End every subscription, and stop following."""
        self.closed = True
        self._announce()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def subscribe(
        self,
        last_event_id: str | None = None,
        recent: int = 200,
        kinds: frozenset[str] | None = None,
        task_id: str | None = None,
    ) -> Subscription:
        """Return a client's view of the feed: iterate over it.

        Arguments:
            last_event_id: the id of the last event that the client has; the stream goes on after
                it. Without one, it begins with the recent past.
            recent: how many events of each kind the recent past has at most.
            kinds: only these kinds; None for all.
            task_id: only what belongs to this task; None for everything.
        """
        return Subscription(self, last_event_id, recent, Wanted(kinds, task_id))

    # -- for subscriptions

    @property
    def shelf(self) -> Shelf | None:
        """The recent part of the feed; None until it was read. Replaced after an outage."""
        return self._shelf

    @asynccontextmanager
    async def catching_up(self) -> AsyncIterator[tuple[FeedLog, AIOKafkaConsumer]]:
        """Open a reader of older parts of the log; few clients have one at a time.

        Raises:
            KafkaError: no broker answers.
        """
        async with self._catching_up, self._log.reader() as consumer:
            yield self._log, consumer

    # -- following

    async def _run(self) -> None:
        pause = PAUSE_LEAST
        while True:
            try:
                await self._follow()
            except UnavailableError as exc:
                logger.info("waiting for the feed: %s", exc)
            except (KafkaError, OSError, TimeoutError) as exc:
                logger.warning("the feed broke off, reading it again: %r", exc)
                pause = PAUSE_LEAST
            except Exception:
                # the page must not go blind until the next start
                logger.exception("the feed could not be followed, trying again")
            await asyncio.sleep(pause)
            pause = min(PAUSE_MOST, pause * 2)

    async def _follow(self) -> None:
        tag = await self._log.tag()
        async with self._log.reader() as consumer:
            shelf = await self._recent(consumer, tag)
            self._log.seek(consumer, shelf.head)
            self._shelf = shelf
            self._announce()
            while True:
                batches = await consumer.getmany(timeout_ms=1000, max_records=AT_ONCE)
                for records in batches.values():
                    for record in records:
                        shelf.add(entry_of(record))
                if batches:
                    breath = max(BREATH, BREATH_OF_CLIENT * self.waiting)
                    self._announce()
                    await asyncio.sleep(breath)

    async def _recent(self, consumer: AIOKafkaConsumer, tag: str) -> Shelf:
        """Read the newest part of the log, and farther back where it says too little."""
        begin, end = await self._log.bounds(consumer)
        back = LOOK_BACK
        start = vectors.merged(begin, vectors.newest(end, back))
        shelf = Shelf(tag, start)
        async for record in self._log.read(consumer, vectors.missing(start, end)):
            shelf.add(entry_of(record))
        # where the log has holes, or ends in one
        shelf.head = vectors.merged(shelf.head, end)
        while shelf.keepsakes.lasting < LASTING and back < LOOK_BACK_MOST and start != begin:
            back *= 4
            earlier = vectors.merged(begin, vectors.newest(end, back))
            shelf.keepsakes.add_older(await self._older(consumer, earlier, start))
            start = earlier
        return shelf

    async def _older(self, consumer: AIOKafkaConsumer, low: Vector, high: Vector) -> Keepsakes:
        older = Keepsakes()
        number = 0
        async for record in self._log.read(consumer, vectors.missing(low, high)):
            older.add(number, entry_of(record))
            number += 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        return older
