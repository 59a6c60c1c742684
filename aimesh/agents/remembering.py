"""Remembering: what every verdict teaches goes to the memory, later where the memory is down."""

from __future__ import annotations

from aimesh.core.text import cut
from aimesh.records import Verdict
from aimesh.services.memory import Experience, Memory
from aimesh.stage import Job, Send

MOST_BYTES = 6000


class Remembering:
    """Turns verdicts into experiences: failures to avoid, patterns that passed."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def work(self, verdict: Verdict, job: Job) -> list[Send]:
        """Remember one verdict."""
        error = verdict.error or verdict.verdict
        experience = Experience(
            task_id=verdict.task_id,
            attempt=verdict.attempt,
            kind="pattern" if verdict.success else "failure",
            task=cut(verdict.task, MOST_BYTES),
            code=cut(verdict.solution, MOST_BYTES),
            error="" if verdict.success else cut(error, MOST_BYTES),
        )
        await self._memory.remember([experience])
        return []
