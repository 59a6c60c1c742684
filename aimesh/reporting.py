"""Stages report every few seconds how they are: open jobs, free slots, what they wait for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aimesh import codec
from aimesh.faustfix import MeshConsumer
from aimesh.records import StageReport, now
from aimesh.stage import Stage

logger = logging.getLogger(__name__)

INTERVAL = 2.0

Services = Callable[[], list[dict[str, Any]]]


class Reporter:
    """Sends a stage's reports to the governor's topic for as long as the application runs."""

    def __init__(self, stage: Stage, *, role: str, topic: str, services: Services) -> None:
        self._stage = stage
        self._role = role
        self._topic = topic
        self._services = services
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
            waiting_since=datetime.fromtimestamp(since, UTC).isoformat() if since else "",
            healed=consumer.healed if isinstance(consumer, MeshConsumer) else 0,
            counts=dict(stage.counts + runner.counts),
            services=self._services(),
            ts=now(),
        )

    async def run(self) -> None:
        """Report until the application stops."""
        while not self._stage.app.should_stop:
            try:
                value = codec.dumps(self.report())
                producer = self._stage.app.producer
                await producer.send(self._topic, self._role.encode(), value, None, None, None)
            except Exception as exc:  # noqa: BLE001 - an exception here would end the worker
                logger.warning("%s: could not report: %s", self._role, exc)
            await asyncio.sleep(INTERVAL)
