"""Stages report every few seconds how they are: open jobs, free slots, what they wait for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from aimesh import codec
from aimesh.core.moments import time_text
from aimesh.faustfix import MeshConsumer
from aimesh.records import StageReport, now
from aimesh.stage import Stage

logger = logging.getLogger(__name__)

# a report is sent when something changed, and again after some seconds (both in seconds)
INTERVAL = 1.0
REPEAT = 5.0

Services = Callable[[], list[dict[str, Any]]]


class Reporter:
    """Sends a stage's reports to the governor's topic for as long as the application runs."""

    def __init__(self, stage: Stage, *, role: str, topic: str, services: Services) -> None:
        self._stage = stage
        self._role = role
        self._topic = topic
        self._services = services
        self._sent: tuple[StageReport | None, float] = (None, 0.0)
        stage.app.task(self.run)

    def report(self) -> StageReport:
        """Return how the stage is now."""
        stage, runner = self._stage, self._stage.runner
        jobs = stage.ledger.jobs()
        oldest = min((job.opened_at for job in jobs), default=time.time())
        waiting, since = min(runner.waiting.values(), key=lambda w: w[1], default=("", 0.0))
        consumer = stage.app.consumer
        return StageReport(
            role=self._role,
            worker=stage.owner,
            open=len(jobs),
            oldest_s=round(max(0.0, time.time() - oldest), 3),
            deadline_s=runner.deadline,
            slots=runner.capacity,
            running=len(stage.running),
            waiting=waiting,
            waiting_since=time_text(since) if since else "",
            healed=consumer.healed if isinstance(consumer, MeshConsumer) else 0,
            counts=dict(stage.counts + runner.counts),
            services=self._services(),
            ts=now(),
        )

    async def run(self) -> None:
        """Report until the application stops."""
        while not self._stage.app.should_stop:
            try:
                await self._send(self.report())
            except Exception as exc:  # noqa: BLE001 - an exception here would end the worker
                logger.warning("%s: could not report: %s", self._role, exc)
            await asyncio.sleep(INTERVAL)

    async def _send(self, report: StageReport) -> None:
        last, at = self._sent
        if last and _essence(last) == _essence(report) and time.monotonic() - at < REPEAT:
            return
        self._sent = (report, time.monotonic())
        key, value = self._role.encode(), codec.dumps(report)
        await self._stage.app.producer.send(self._topic, key, value, None, None, None)


def _essence(report: StageReport) -> tuple[object, ...]:
    counts = {k: v for k, v in (report.counts or {}).items() if k != "skipped"}
    return report.open, report.running, report.waiting, report.healed, counts, report.services
