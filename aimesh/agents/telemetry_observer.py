"""The telemetry's observer: reads along with all agents, and works what they say into tables."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import faust
from faust.types import TP

from aimesh.faustfix import MeshApp
from aimesh.services.agent_topics import Copier, Digester
from aimesh.services.kafka_access import OPEN, KafkaAccess
from aimesh.services.reading import Brokers
from aimesh.tables.telemetry.follower import Follower
from aimesh.tables.telemetry.live import Live, told_of
from aimesh.tables.telemetry.stores import TableStore
from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.tables.telemetry.writing import FeedLostError

logger = logging.getLogger(__name__)

# Seconds, or records of the feed, after which what has changed is written down. Until then it is
# shown already, and read again from the feed after a crash.
WRITE_SECONDS = 3.0
WRITE_RECORDS = 200
MOST_UNWRITTEN = 400
STEP_SECONDS = 0.005
# records of the feed, each of up to a hundred messages, that are more than one reads at once
MANY_RECORDS = 8
# where a copy of another worker's tables is, in the application's folder
FOLDER = "following"


class TelemetryObserver:
    """Copies all agents' topics to one feed of one partition, and works that into the tables.

    Whoever holds the feed writes the tables down. Further observers follow with state of their
    own, and answer the same; one of them takes over when the holder goes.

    Arguments:
        app: its application; the group that copies is called after it.
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        prefix: of all topics' names.
        channels: the mesh's own topics that are read, with what each carries.
        keep: how much is kept.
        access: what the brokers ask of clients.
    """

    def __init__(
        self,
        app: MeshApp,
        bootstrap: str,
        *,
        prefix: str = "",
        channels: Mapping[str, str],
        keep: Keep = Keep(),  # noqa: B008 - immutable
        access: KafkaAccess = OPEN,
    ) -> None:
        self.app = app
        self.feed = feed_topic(app.conf.id)
        self._bootstrap = bootstrap
        self._access = access
        self._keep = keep
        self._changelogs: dict[str, str] = {}
        self._own = TelemetryTables(self._open, keep)
        self._follower: Follower | None = None
        self.copier = Copier(
            bootstrap,
            group=f"{app.conf.id}-copy",
            feed=self.feed,
            digester=Digester(prefix, channels),
            access=access,
        )
        #: What happens right now, for clients that watch.
        self.live = Live()
        self._generation = 0
        self._ready = asyncio.Event()
        self._restoring: asyncio.Task[None] | None = None
        self._batch: list[faust.Event] = []
        self._being_written = 0
        self._filled = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "value_serializer": "raw"}
        app.agent(app.topic(self.feed, **raw), name=f"{app.conf.id}.tables")(self._read)
        app.task(self.copier.run)
        app.task(self._write)
        app.task(self._stay)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        app.on_rebalance_complete.connect(self._on_rebalance_complete, weak=False)

    def _open(self, name: str, purpose: str) -> TableStore:
        store = TableStore(self.app, name, purpose)
        self._changelogs[name] = store.changelog
        return store

    @property
    def tables(self) -> TelemetryTables:
        """The tables: the application's where this worker holds the feed, else its own copy."""
        return self._own if self._follower is None else self._follower.tables

    @property
    def ready(self) -> bool:
        """Whether the tables are read."""
        return self._ready.is_set() if self._follower is None else self._follower.ready

    @property
    def holds_feed(self) -> bool:
        """Whether this worker is the one that writes the tables down."""
        return self._ready.is_set()

    @property
    def _has_feed(self) -> bool:
        return TP(self.feed, 0) in self.app.assignor.assigned_actives()

    @property
    def unwritten(self) -> int:
        """How many records of the feed were worked in and not written down yet."""
        return len(self._batch) + self._being_written

    @property
    def is_behind(self) -> bool:
        """Whether this worker has more to read of what agents said than it reads at once."""
        if self.copier.is_behind:
            return True
        if not self.holds_feed:
            return False
        end: int | None = self.app.consumer.highwater(TP(self.feed, 0))
        return end is not None and end - 1 - self._own.feed > MANY_RECORDS

    # -- ownership

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        self._generation += 1
        self._ready.clear()
        self._batch.clear()
        if self._restoring is not None:
            self._restoring.cancel()
        self._own.forget()
        if self._follower is None:
            self.live.clear()

    async def _on_rebalance_complete(self, *_: Any, **__: Any) -> None:
        if self._has_feed:
            self._restoring = asyncio.create_task(self._restore())
            return
        if self._follower is None:
            self._follower = Follower(
                Brokers(self._bootstrap, self._access),
                feed=self.feed,
                changelogs=self._changelogs,
                folder=self.app.conf.datadir / FOLDER,
                keep=self._keep,
                live=self.live,
            )
        self._follower.start()

    async def _restore(self) -> None:
        holds = self._holder()
        loop = asyncio.get_running_loop()
        began = paused = loop.time()
        try:
            for _ in self._own.restore(holds):
                if loop.time() - paused > STEP_SECONDS:
                    await asyncio.sleep(0)
                    paused = loop.time()
            if self._own.is_new:
                # whoever follows begins with what is written
                await self._own.write(holds)
        except FeedLostError:
            return
        logger.info("the telemetry's tables were read in %.1f s", loop.time() - began)
        if self._follower is not None:
            await self._follower.stop()
        self._ready.set()
        self._hand_over()

    def _hand_over(self) -> None:
        """Answer from the application's tables as soon as they are as far as those until now."""
        follower = self._follower
        if follower is not None and (not follower.ready or self._own.feed >= follower.tables.feed):
            self._follower = None
            follower.close()

    async def _stay(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            if self._follower is not None:
                await self._follower.stop()
                self._follower.close()

    def _holder(self) -> Callable[[], bool]:
        """Return what tells whether this worker still has the feed as it has it now."""
        generation = self._generation
        return lambda: generation == self._generation and not self.app.should_stop

    # -- from the feed to the tables

    async def _read(self, stream: Any) -> None:
        """Work the feed into the tables."""
        async for event in stream.noack().events():
            await self._ready.wait()
            await self._room.wait()
            if event.message.generation_id != self.app.consumer_generation_id:
                continue  # it comes once more
            happened = self._own.work_in(event.message.offset, event.value)
            # it waits to be acknowledged, and what was in it would wait with it
            event.value = event.message.value = None
            self._batch.append(event)
            self._filled.set()
            if len(self._batch) >= WRITE_RECORDS:
                self._full.set()
            if len(self._batch) >= MOST_UNWRITTEN:
                self._room.clear()
            if self._follower is None:
                self.live.tell(told_of(*happening) for happening in happened)
            else:
                self._hand_over()
            await asyncio.sleep(0)  # let others have their turn

    async def _write(self) -> None:
        while not self.app.should_stop:
            await self._filled.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), WRITE_SECONDS)
            try:
                await self._write_batch()
            except FeedLostError:
                pass  # its next owner works the same records in again
            except Exception as exc:  # noqa: BLE001 - whatever it is, it ends the worker
                # what is in memory is no longer what the tables have: only a new start mends that
                logger.critical("the telemetry's tables cannot be written: %r", exc)
                await self.app.crash(exc)
                return

    async def _write_batch(self) -> None:
        holds = self._holder()
        batch, self._batch = self._batch, []
        self._filled.clear()
        self._full.clear()
        self._room.set()
        if not batch or not self._ready.is_set():
            return
        self._being_written = len(batch)
        try:
            await self._own.write(holds)
            for event in batch:
                event.ack()
        finally:
            self._being_written = 0


def feed_topic(app_id: str) -> str:
    """Return the topic that everything is copied to."""
    return f"{app_id}-feed"
