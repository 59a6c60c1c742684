"""The Stage: durable, bounded work on a topic. See `aimesh.stage.stage`."""

from aimesh.stage.job import Job, Rejected, Send, Skipped
from aimesh.stage.stage import Stage

__all__ = ["Job", "Rejected", "Send", "Skipped", "Stage"]
