"""Gathers the facts of a diagnosis from the observers' tables and from this machine."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from aimesh.agents.observer import Observer
from aimesh.core.diagnosis import stages as stage_rules
from aimesh.core.diagnosis.facts import (
    Disk,
    Facts,
    Hop,
    Limit,
    Service,
    Stage,
)
from aimesh.core.diagnosis.groups import MINUTE
from aimesh.diagnosing import queues
from aimesh.diagnosing.following import Follower
from aimesh.diagnosing.times import age_of, when
from aimesh.hops import CREW
from aimesh.settings import Settings
from aimesh.tables.mesh import MeshTables
from aimesh.tables.telemetry.tables import TelemetryTables

FRESH = 60.0
KNOCK = 1.0


class Gatherer:
    """Knows where everything that is measured can be read.

    Arguments:
        observer: has the mesh's tables.
        settings: of the worker.
        limits: what a gateway says of its models, as it was last seen.
    """

    def __init__(
        self,
        observer: Observer,
        settings: Settings,
        limits: Callable[[], tuple[Limit, ...]] = lambda: (),
    ) -> None:
        self._observer = observer
        self._settings = settings
        self._limits = limits
        self._oldest_tasks = queues.OldestTasks()
        self.follower = Follower()

    async def facts(self, tables: TelemetryTables, window: float) -> Facts:
        """Return everything that is known now.

        Arguments:
            tables: the telemetry's.
            window: the seconds that count as now.
        """
        at, mesh = time.time(), self._observer.tables
        follower = self.follower
        governed = age_of(at, (mesh.word("governor") or {}).get("ts"))
        ended, ended_before = _parted(follower.ended, at, window)
        failed, failed_before = _parted(follower.failed, at, window)
        return Facts(
            at=at,
            window=window,
            prefix=self._settings.topic_prefix,
            services=tuple(self._services(at, mesh)),
            stages=tuple(_stage(at, report) for report in mesh.stages()),
            hops=tuple(_hop(at, found) for found in mesh.hops().values() if not _of_crew(found)),
            agents=tuple(
                queues.agents(tables, at, self._settings.topic_prefix, self._oldest_tasks)
            ),
            disks=tuple(await asyncio.to_thread(self._disks)),
            groups=tuple(follower.recent(at, window)),
            paces=tuple(follower.paces),
            dialogues=tuple(queues.dialogues(tables)),
            limits=self._limits(),
            governed_s=governed,
            broker=await self._broker(governed),
            ended=ended,
            failed=failed,
            ended_before=ended_before,
            failed_before=failed_before,
            newest=tuple(follower.newest),
        )

    # -- the mesh

    def _services(self, at: float, mesh: MeshTables) -> Iterator[Service]:
        reports = mesh.stages()
        fresh = [r for r in reports if (age_of(at, r.get("ts")) or 0.0) < FRESH] or reports
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for report in sorted(fresh, key=lambda r: str(r.get("ts", ""))):
            for status in report.get("services") or []:
                newest[status["name"], report["worker"]] = status
        found: dict[str, dict[str, Any]] = {}
        # each worker has a view of its own: what changed last is nearest to how it is
        for (name, _), status in sorted(newest.items(), key=lambda item: _since(item[1])):
            found[name] = status
        for name, status in found.items():
            yield self._service(at, name, status)

    def _service(self, at: float, name: str, status: dict[str, Any]) -> Service:
        of_memory = name == "memory"
        reason = str(status.get("reason") or "")
        if status.get("unsafe"):
            reason = "code is run without isolation"
        models = (status.get("model"), status.get("embed_model"))
        return Service(
            name=name,
            ok=status.get("ok"),
            since=when(status.get("since")) or at,
            reason=reason,
            remedy=str(status.get("remedy") or ""),
            url=str(status.get("url") or (self._settings.qdrant_url if of_memory else "")),
            models=tuple(str(model) for model in models if model),
            wanted=not (of_memory and "switched off" in reason),
        )

    async def _broker(self, governed: float | None) -> bool | None:
        """Knock at the brokers where nothing was heard for long."""
        if governed is not None and governed <= stage_rules.GOVERNED:
            return None
        addresses = [a for a in self._settings.kafka.split(",") if a.strip()]
        if not addresses:
            return None
        return any(await asyncio.gather(*map(_listens, addresses)))

    # -- this machine

    def _disks(self) -> list[Disk]:
        paths = {_folder(self._settings.data), _folder(self._settings.history)}
        found: dict[int, Disk] = {}
        for path in paths:
            with suppress(OSError):
                usage = shutil.disk_usage(path)
                found[path.stat().st_dev] = Disk(path=str(path), free=usage.free, total=usage.total)
        return list(found.values())


def _stage(at: float, report: dict[str, Any]) -> Stage:
    return Stage(
        role=report["role"],
        worker=report["worker"],
        age=age_of(at, report.get("ts") or report.get("at")) or 0.0,
        open=report.get("open") or 0,
        oldest_s=report.get("oldest_s") or 0.0,
        deadline_s=report.get("deadline_s") or 0.0,
        slots=report.get("slots") or 0,
        running=report.get("running") or 0,
        waiting=report.get("waiting") or "",
        waiting_since=when(report.get("waiting_since")),
    )


def _of_crew(hop: dict[str, Any]) -> bool:
    """Tell whether a hop is a queue of the crew: what waits in queues is looked at by its tasks."""
    return str(hop["role"]).startswith(f"{CREW}-")


def _hop(at: float, found: dict[str, Any]) -> Hop:
    return Hop(
        role=found["role"],
        topic=found["topic"],
        group=found["group"],
        verdict=found["verdict"],
        reason=found.get("reason") or "",
        age=age_of(at, found.get("ts")) or 0.0,
        lag=found.get("lag"),
        lag_seconds=found.get("lag_seconds"),
        members=found.get("members"),
        trend=found.get("trend") or "flat",
        committed=found.get("committed"),
    )


async def _listens(address: str) -> bool:
    host, colon, port = address.strip().rpartition(":")
    if not colon:
        host, port = port, "9092"
    try:
        async with asyncio.timeout(KNOCK):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, ValueError):
        return False
    writer.close()
    return True


def _parted(minutes: Counter[int], at: float, window: float) -> tuple[int, int]:
    """Return how many were in the window, and how many before."""
    start = int((at - window) // MINUTE)
    total = sum(minutes.values())
    now = sum(number for minute, number in minutes.items() if minute >= start)
    return now, total - now


def _since(status: dict[str, Any]) -> tuple[bool, float]:
    # one that was not asked yet says nothing
    return status.get("ok") is not None, when(status.get("since"))


def _folder(path: Path) -> Path:
    """Return the nearest folder that exists, where links lead."""
    path = path.resolve()
    return next(found for found in (path, *path.parents) if found.is_dir())
