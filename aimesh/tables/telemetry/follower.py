"""The tables of an observer that does not hold the feed: complete, its own, and always up to date.

It takes what the holder has written down from the changelogs, once, into a folder of its own. From
there on it works the feed in by itself, record by record as the holder does, so that both have the
same state. It writes nothing to Kafka.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import orjson

from aimesh.core.epochs import Fence
from aimesh.errors import UnavailableError
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import Brokers, Place, Spans, TopicReader, connected
from aimesh.tables.telemetry.live import Live, told_of
from aimesh.tables.telemetry.stores import PARTITION, FolderStore
from aimesh.tables.telemetry.tables import Keep, TelemetryTables

logger = logging.getLogger(__name__)

MARKS = "marks"
# seconds between two looks for what the holder has written, and between two tries
LOOK_SECONDS, PAUSE_SECONDS = 0.3, 2.0
STEP_SECONDS = 0.005
# what is in memory alone goes to the folder after so many records of the feed
WRITE_RECORDS = 100


class Follower:
    """Follows the holder of the feed.

    Arguments:
        brokers: where Kafka is.
        feed: the topic that everything is copied to.
        changelogs: the topics with the holder's tables, by the tables' names.
        folder: for its own copy; what is in it is removed.
        keep: how much is kept.
        live: is told of what happens.
    """

    def __init__(
        self,
        brokers: Brokers,
        *,
        feed: str,
        changelogs: Mapping[str, str],
        folder: Path,
        keep: Keep,
        live: Live,
    ) -> None:
        self._brokers = brokers
        self._feed = feed
        self._changelogs = changelogs
        self._folder = folder
        self._live = live
        self._stores: dict[str, FolderStore] = {}
        self._task: asyncio.Task[None] | None = None
        # held while rows are written: half of that would be neither in memory nor in the folder
        self._whole = asyncio.Lock()
        self.ready = False
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.tables = TelemetryTables(self._open, keep)

    def _open(self, name: str, purpose: str) -> FolderStore:
        self._stores[name] = FolderStore(self._folder / name)
        return self._stores[name]

    def start(self) -> None:
        """Begin to follow, or go on after `stop`."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Follow no longer; what is there can still be read."""
        task, self._task = self._task, None
        if task is not None:
            async with self._whole:
                task.cancel()
            await asyncio.wait({task})

    def close(self) -> None:
        """Let everything go, after `stop`."""
        self.ready = False
        for store in self._stores.values():
            store.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _run(self) -> None:
        while True:
            try:
                if not self.ready:
                    await self._take_over()
                    self.ready = True
                await self._follow()
            except UnavailableError as exc:
                logger.warning("following the feed broke off, going on: %s", exc)
            except Exception:
                # nobody awaits this task; what is there may be damaged
                logger.exception("following the feed failed, beginning anew")
                self.ready = False
            await asyncio.sleep(PAUSE_SECONDS)

    # -- what was written down

    async def _take_over(self) -> None:
        for store in self._stores.values():
            _empty(store)
        reached: dict[Place, int] = {}
        fences: defaultdict[Place, Fence] = defaultdict(Fence)
        async with connected(self._brokers) as admin:
            # What is compacted away while it is read has come again by then: behind the first
            # ends, and so the second time, which is short.
            for _ in range(2):
                spans = await self._written(admin)
                unread = {p: (reached.get(p, b), e) for p, (b, e) in spans.items()}
                await self._copy(unread, fences)
                reached = {place: end for place, (_, end) in spans.items()}
        loop = asyncio.get_running_loop()
        paused = loop.time()
        for _ in self.tables.restore(lambda: True):
            if loop.time() - paused > STEP_SECONDS:
                await asyncio.sleep(0)
                paused = loop.time()

    async def _copy(self, spans: Spans, fences: Mapping[Place, Fence]) -> None:
        left = {place: span for place, span in spans.items() if span[0] < span[1]}
        if not left:
            return
        names = {topic: name for name, topic in self._changelogs.items()}
        async with TopicReader(self._brokers) as reader:
            async for records in reader.through(left):
                for record in records:
                    fence = fences[record.topic, record.partition]
                    if not fence.counts(record.key, record.headers):
                        continue
                    store = self._stores[names[record.topic]]
                    # tables write their keys as JSON, and these values as they are
                    store.write(orjson.loads(record.key or b'""'), record.value)
                await asyncio.sleep(0)

    async def _written(self, admin: KafkaAdmin) -> Spans:
        """Return where the changelogs begin and end, all at a moment between two marks.

        The holder writes rows, then the mark, then removes what the mark no longer needs. So what
        is there while the mark stays the same is what a crash would leave behind.
        """
        topics = dict.fromkeys(self._changelogs.values(), 1)
        marks = (self._changelogs[MARKS], PARTITION)
        while True:
            before = await admin.ends({marks[0]: 1})
            begins, ends = await admin.beginnings(topics), await admin.ends(topics)
            if 0 < before[marks] == ends[marks] == (await admin.ends({marks[0]: 1}))[marks]:
                return {place: (begins[place], end) for place, end in ends.items()}
            await asyncio.sleep(LOOK_SECONDS)

    # -- the feed

    async def _follow(self) -> None:
        place = (self._feed, PARTITION)
        async with connected(self._brokers) as admin:
            begins = await admin.beginnings({self._feed: 1})
        if begins[place] > self.tables.feed + 1 and self.tables.feed >= 0:
            logger.warning("%s has moved on too far, beginning anew", self._feed)
            self.ready = False
            return
        count = 0
        async with TopicReader(self._brokers) as reader:
            async for record in reader.following({place: self.tables.feed + 1}):
                happened = self.tables.work_in(record.offset, record.value or b"")
                self._live.tell(told_of(*happening) for happening in happened)
                count += 1
                if not count % WRITE_RECORDS:
                    async with self._whole:
                        await self.tables.write(lambda: True)
                await asyncio.sleep(0)


def _empty(store: FolderStore) -> None:
    for some in store.items():
        for key, _ in some:
            store.write(key, None)
