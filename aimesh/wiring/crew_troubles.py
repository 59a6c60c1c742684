"""What goes wrong in the crew, besides the tasks that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aimesh import codec
from aimesh.core import trace
from aimesh.core.identity import derived_id
from aimesh.errors import UnavailableError
from aimesh.stage import Job
from aimesh.troubles import Troubles

CREW = "crew"


class CrewTroubles(Troubles):
    """Tells of the errors of one agent's stage; of tasks that fail, the agent tells by itself.

    What a stage of the crew knows its jobs by is the id of a message, and the message names the
    trace.
    """

    def _of_exception(self, exc: Exception, record: Any, job: Job) -> None:
        if isinstance(exc, UnavailableError) and exc.service == CREW:
            return  # it has other tasks at work, or its queues move: nothing is wrong
        super()._of_exception(exc, record, job)

    def _about(self, job: Job, operation: str) -> dict[str, Any]:
        if not job.value:
            # it never became a job, and its key is that of a queue
            job = replace(job, task_id=derived_id(job.topic, job.partition, job.offset))
        about = super()._about(job, operation)
        message = codec.loads(job.value) if job.value else {}
        return about | {
            "trace_id": message.get("trace_id") or about["trace_id"],
            "span_id": trace.span_id(job.task_id),
            "input_data": {
                "message_id": job.task_id,
                "message": f"{job.topic}/{job.partition}/{job.offset}",
            },
        }
