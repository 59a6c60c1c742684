"""Roles report every few seconds how they are: open jobs, free slots, what they wait for."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from aimesh import codec
from aimesh.core.moments import time_text
from aimesh.faustfix import MeshConsumer
from aimesh.records import StageReport, now
from aimesh.stage import Stage
from aimesh.ticking import tick

logger = logging.getLogger(__name__)

# a report is sent when something changed, and again at the fifth look after (both in seconds)
INTERVAL = 1.0
REPEAT = 4.5

Services = Callable[[], list[dict[str, Any]]]


class Reporter:
    """Sends a role's reports to the governor's topic for as long as its application runs.

    Arguments:
        stages: of the role, all of one application; what they have is added up.
        role: its name.
        topic: the governor's.
        services: tells how the services that the worker uses are doing.
    """

    def __init__(
        self, stages: Sequence[Stage], *, role: str, topic: str, services: Services
    ) -> None:
        self._stages = stages
        self._app = stages[0].app
        self._role = role
        self._topic = topic
        self._services = services
        self._sent: tuple[StageReport | None, float] = (None, 0.0)
        self._app.task(self.run)

    def report(self) -> StageReport:
        """Return how the role is now."""
        stages, consumer = self._stages, self._app.consumer
        jobs = [job for stage in stages for job in stage.ledger.jobs()]
        oldest = min((job.opened_at for job in jobs), default=time.time())
        waits = [wait for stage in stages for wait in stage.runner.waiting.values()]
        waiting, since = min(waits, key=lambda wait: wait[1], default=("", 0.0))
        return StageReport(
            role=self._role,
            worker=stages[0].owner,
            open=len(jobs),
            oldest_s=round(max(0.0, time.time() - oldest), 3),
            deadline_s=max(stage.runner.deadline for stage in stages),
            slots=self.slots(),
            running=sum(len(stage.running) for stage in stages),
            waiting=waiting,
            waiting_since=time_text(since) if since else "",
            healed=consumer.healed if isinstance(consumer, MeshConsumer) else 0,
            counts=self.counts(),
            services=self._services(),
            ts=now(),
        )

    def slots(self) -> int:
        """Return how many jobs can be worked on at the same time."""
        return sum(stage.runner.capacity for stage in self._stages)

    def counts(self) -> dict[str, int]:
        """Return how often what has happened to jobs."""
        total: Counter[str] = Counter()
        for stage in self._stages:
            total += stage.counts + stage.runner.counts
        return dict(total)

    async def run(self) -> None:
        """Report until the application stops."""
        while not self._app.should_stop:
            try:
                await self._send(self.report())
            except Exception as exc:  # noqa: BLE001 - an exception here would end the worker
                logger.warning("%s: could not report: %s", self._role, exc)
            await tick(INTERVAL)

    async def _send(self, report: StageReport) -> None:
        last, at = self._sent
        if last and _essence(last) == _essence(report) and time.monotonic() - at < REPEAT:
            return
        self._sent = (report, time.monotonic())
        key, value = self._role.encode(), codec.dumps(report)
        await self._app.producer.send(self._topic, key, value, None, None, None)


def _essence(report: StageReport) -> tuple[object, ...]:
    counts = {k: v for k, v in (report.counts or {}).items() if k != "skipped"}
    return report.open, report.running, report.waiting, report.healed, counts, report.services
