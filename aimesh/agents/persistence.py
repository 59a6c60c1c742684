"""The persistence agent: a row in the archive for every reviewed task."""

from __future__ import annotations

from aimesh.core.archive import ArchiveRow
from aimesh.records import Review, now
from aimesh.services.archive import Archive
from aimesh.stage import Job, Send


class Persistence:
    """Writes reviews to the archive; a task that has its row already gets no second one."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def work(self, review: Review, job: Job) -> list[Send]:
        """Append the row."""
        row = ArchiveRow(
            task=review.task,
            solution=review.solution,
            review=review.review,
            task_id=review.task_id,
            success=review.success,
            attempts=review.attempts,
            exec_output=review.exec_output,
            model=review.model,
            completed_at=review.created_at or now(),
        )
        await self._archive.append(row)
        return []
