"""One report for all agents of the crew: five would be a message a second while nothing happens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aimesh.core.moments import time_text
from aimesh.records import StageReport
from aimesh.reporting import Reporter
from aimesh.stage import Stage


class CrewReporter(Reporter):
    """Reports how the crew is; its counts say how many tasks each agent has open.

    Arguments:
        stages: by agent.
        options: those of `Reporter`.
    """

    def __init__(self, stages: Mapping[str, Stage], **options: Any) -> None:
        self._stages = stages
        super().__init__(next(iter(stages.values())), **options)

    def report(self) -> StageReport:
        """Return how the crew is now."""
        report = super().report()
        stages = self._stages.values()
        jobs = [job for stage in stages for job in stage.ledger.jobs()]
        oldest = min((job.opened_at for job in jobs), default=time.time())
        reasons = [reason for stage in stages for reason in stage.runner.waiting.values()]
        waiting, since = min(reasons, key=lambda reason: reason[1], default=("", 0.0))
        report.open = len(jobs)
        report.oldest_s = round(max(0.0, time.time() - oldest), 3)
        report.deadline_s = max(stage.runner.deadline for stage in stages)
        report.slots = sum(stage.runner.capacity for stage in stages)
        report.running = sum(len(stage.running) for stage in stages)
        report.waiting = waiting
        report.waiting_since = time_text(since) if since else ""
        report.counts = self._counts()
        return report

    def _counts(self) -> dict[str, int]:
        total: Counter[str] = Counter()
        for stage in self._stages.values():
            total += stage.counts + stage.runner.counts
        return {
            **total,
            **{f"{agent}.open": len(stage.ledger) for agent, stage in self._stages.items()},
        }
