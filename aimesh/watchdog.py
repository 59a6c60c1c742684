"""Ends a worker that makes no progress, with a clear reason: whatever supervises it restarts it."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP
from mode import Service

from aimesh.core.watchdog import Look, Watch, counted
from aimesh.errors import UnavailableError
from aimesh.faustfix import MeshApp, MeshConsumer
from aimesh.services.kafka import KafkaAdmin
from aimesh.stage import Stage

logger = logging.getLogger(__name__)

BEAT = 1.0
KAFKA_PATIENCE = 10.0


def end_process(reason: str) -> None:
    """End this process at once, with exit code 1; what it leaves open others take over."""
    text = f"the watchdog ends this worker: {reason}"
    logger.critical("%s", text)
    print(text, file=sys.stderr, flush=True)
    logging.shutdown()
    os._exit(1)


class LoopGuard:
    """A thread that ends the process when the event loop stands still.

    Arguments:
        limit: for how many seconds it may.
        end: called with the reason.
    """

    def __init__(self, limit: float, end: Callable[[str], None] = end_process) -> None:
        self._limit = limit
        self._end = end
        self._beat = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self.beat()
        self._thread.start()

    def beat(self) -> None:
        """Note that the loop runs."""
        self._beat = time.monotonic()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _run(self) -> None:
        still, before = 0.0, time.monotonic()
        last_beat = self._beat
        while not self._stopped.wait(BEAT):
            now = time.monotonic()
            # in a process that is stopped, this thread is too
            still += counted(now - before, BEAT)
            before = now
            if self._beat != last_beat:
                still, last_beat = 0.0, self._beat
            if still >= self._limit:
                faulthandler.dump_traceback(all_threads=True)
                self._end(f"its event loop has stood still for {still:.0f} s")
                return


class Watchdog(Service):
    """Looks at every role now and then, and ends the process when one is stuck.

    It never does while Kafka is away, while jobs are at work or wait for a service, or for time
    in which the process did not run.

    Arguments:
        apps: the applications of this worker, by name.
        stages: those of them that have one.
        admin: a connection to Kafka, which tells whether it is there, and where its topics end.
        limit: for how many seconds a role may make no progress.
        end: called with the reason.
    """

    def __init__(
        self,
        apps: Mapping[str, MeshApp],
        stages: Sequence[Stage],
        admin: KafkaAdmin,
        *,
        limit: float,
        end: Callable[[str], None] = end_process,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._apps = apps
        self._stages = list(stages)
        self._admin = admin
        self._interval = max(0.5, limit / 12)
        self._end = end
        self._watches = {name: Watch(limit) for name in apps}
        self._settled = dict.fromkeys(apps, 0)
        self._guard = LoopGuard(limit, end)
        self._looking = asyncio.Lock()
        for name, app in apps.items():
            app.on_rebalance_complete.connect(self._noting(name), weak=False)

    def _noting(self, name: str) -> Callable[..., Any]:
        async def note(*_: Any, **__: Any) -> None:
            self._settled[name] += 1

        return note

    async def on_start(self) -> None:
        """Begin to watch the loop."""
        self._guard.start()

    async def on_stop(self) -> None:
        """Stop watching."""
        self._guard.stop()
        # a look that is cut off while it connects would leave the connection open
        async with self._looking:
            await self._admin.close()

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self._guard.beat()
            await self.sleep(BEAT)

    @Service.task
    async def _watch(self) -> None:
        before = time.monotonic()
        while not self.should_stop:
            await self.sleep(self._interval)
            now = time.monotonic()
            seconds, before = counted(now - before, self._interval), now
            try:
                async with self._looking:
                    if not self.should_stop:
                        await self._look(seconds)
            except Exception:
                # an exception that escapes would end the worker without need
                logger.exception("the watchdog could not look")

    async def _look(self, seconds: float) -> None:
        running = {name: app for name, app in self._apps.items() if app.started}
        places = {name: _places(app) for name, app in running.items()}
        ends = await self._ends({tp for tps in places.values() for tp in tps})
        for name, app in running.items():
            if ends is None:
                self._watches[name].excuse()
                continue
            reason = self._watches[name].look(self._seen(name, app, places[name], ends), seconds)
            if reason:
                self._end(f"{name}: {reason}")

    def _seen(self, name: str, app: MeshApp, places: list[TP], ends: Mapping[TP, int]) -> Look:
        committed = {tp: app.committed(tp) for tp in places}
        return Look(
            settling=bool(app.rebalancing or app.in_recovery or not app.rebalancing_count),
            progress=(self._settled[name], _read(app)),
            committed=sum(committed.values()),
            lag=sum(max(0, ends.get(tp, 0) - offset) for tp, offset in committed.items()),
            working=any(
                stage.app is app and (stage.running or stage.finisher.pending())
                for stage in self._stages
            ),
        )

    async def _ends(self, places: set[TP]) -> dict[TP, int] | None:
        """Return the ends of partitions, None where Kafka does not answer."""
        counts: dict[str, int] = {}
        for tp in places:
            counts[tp.topic] = max(counts.get(tp.topic, 0), tp.partition + 1)
        try:
            async with asyncio.timeout(KAFKA_PATIENCE):
                if not self._admin.is_connected:
                    await self._admin.start()
                await self._admin.cluster_id()  # also where there is nothing else to ask
                ends = await self._admin.ends(counts) if counts else {}
        except (UnavailableError, KafkaError, OSError, TimeoutError) as exc:
            logger.debug("Kafka does not answer the watchdog: %s", exc)
            await self._admin.close()
            return None
        return {TP(topic, partition): end for (topic, partition), end in ends.items()}


def _places(app: MeshApp) -> list[TP]:
    consumer = app.consumer
    assert isinstance(consumer, MeshConsumer)
    return consumer.stream_partitions() if consumer.started and app.rebalancing_count else []


def _read(app: MeshApp) -> tuple[int, ...]:
    """Return how far the tables were read, in a form that changes when that gets on."""
    recovery: Any = getattr(app.tables, "_recovery", None)
    offsets = recovery.active_offsets.values() if recovery is not None else ()
    return tuple(sorted(offset for offset in offsets if offset is not None))
