"""What a role reports of its stages, however many it has."""

from __future__ import annotations

import time
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from aimesh.agents.crew.reporting import CrewReporter
from aimesh.reporting import Reporter
from aimesh.stage import Job, Stage

SINCE = 1_767_225_600.5
ABOUT: dict[str, Any] = {"role": "crew", "topic": "ai_governor", "services": list}


class Ledger(list[Job]):
    """Open jobs."""

    def jobs(self) -> list[Job]:
        return self


def stage(*ages: float, waiting: float | None = None, **options: Any) -> Stage:
    """A stage with open jobs of some ages, of which one may wait since some seconds."""
    jobs = [Job(f"t{age}", 1, "q", 0, 0, "", opened_at=time.time() - age) for age in ages]
    runner = SimpleNamespace(
        waiting={} if waiting is None else {"t#1": (f"waits {waiting:g} s", SINCE - waiting)},
        deadline=options.get("deadline", 10.0),
        capacity=4,
        counts=Counter(retried=1),
    )
    app = SimpleNamespace(task=lambda run: None, consumer=None)
    return cast(
        Stage,
        SimpleNamespace(
            app=app, owner="w", ledger=Ledger(jobs), runner=runner, counts=Counter(done=2),
            running={job.key: None for job in jobs},
        ),
    )  # fmt: skip


def test_a_stage_reports_its_own() -> None:
    report = Reporter([stage(5, 1, waiting=3)], **ABOUT).report()
    assert (report.role, report.worker, report.open, report.running) == ("crew", "w", 2, 2)
    assert (report.slots, report.deadline_s) == (4, 10)
    assert 5 <= report.oldest_s < 60
    assert (report.waiting, report.waiting_since) == ("waits 3 s", "2025-12-31T23:59:57.500Z")
    assert report.counts == {"done": 2, "retried": 1}


def test_a_stage_that_has_nothing_to_do_says_so() -> None:
    report = Reporter([stage()], **ABOUT).report()
    assert (report.open, report.running, report.waiting, report.waiting_since) == (0, 0, "", "")
    assert report.oldest_s < 1


def test_stages_of_one_role_are_added_up_and_the_oldest_counts() -> None:
    stages = {"coder": stage(7, 2, waiting=1, deadline=60.0), "writer": stage(3, waiting=4)}
    report = CrewReporter(stages, places=3, **ABOUT).report()
    assert (report.open, report.running, report.slots, report.deadline_s) == (3, 3, 6, 60)
    assert 7 <= report.oldest_s < 60
    assert (report.waiting, report.waiting_since) == ("waits 4 s", "2025-12-31T23:59:56.500Z")
    assert report.counts == {"done": 4, "retried": 2, "coder.open": 2, "writer.open": 1}
