"""The balance of all tasks, as the audit finds it and as other programs read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that does not balance: which task, what kind of problem, why in words."""

    task_id: str
    kind: str
    why: str


@dataclass(frozen=True)
class Report:
    """The balance of all tasks.

    ``rows`` is None where the archive was not looked at; ``in_flight_at`` counts the tasks in
    flight by the role that has them; ``other_dead_letters`` counts what never was a task's end.
    """

    tasks_in: int
    reviewed: int
    dead_lettered: int
    in_flight: int
    rows: int | None
    duplicates_absorbed: int
    other_dead_letters: int
    in_flight_at: dict[str, int]
    problems: tuple[Problem, ...]

    @property
    def balanced(self) -> bool:
        """Whether nothing is missing and nothing is there twice."""
        return not self.problems


def stable(report: Report, read_up_to: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Return a report as the object that other programs read.

    Arguments:
        read_up_to: by topic and partition, the offset up to which was read.
    """
    return {
        "balanced": report.balanced,
        "tasks_in": report.tasks_in,
        "reviewed": report.reviewed,
        "dead_lettered": report.dead_lettered,
        "in_flight": report.in_flight,
        "rows": report.rows,
        "duplicates_absorbed": report.duplicates_absorbed,
        "other_dead_letters": report.other_dead_letters,
        "in_flight_at": report.in_flight_at,
        "problems": [{"task_id": p.task_id, "kind": p.kind, "why": p.why} for p in report.problems],
        "read_up_to": read_up_to,
    }
