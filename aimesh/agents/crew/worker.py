"""An agent of the crew that does tasks: research, code, texts, checks."""

from __future__ import annotations

from typing import Any

from aimesh.agents.crew.crafts import Craft
from aimesh.agents.crew.desk import Desk
from aimesh.agents.crew.journal import Journal
from aimesh.agents.crew.messages import QueueMessage
from aimesh.core.telemetry import AgentMessage
from aimesh.stage import Send, Skipped


class CrewWorker(Desk):
    """Does each task with its craft, and answers it.

    Arguments:
        craft: what it can do.
        desk: what `Desk` takes.
    """

    def __init__(self, craft: Craft, *desk: Any, **more: Any) -> None:
        super().__init__(*desk, **more)
        self._craft = craft

    def admit(self, record: QueueMessage, message: Any) -> QueueMessage:
        """Take tasks and cancellations; nobody owes this agent an answer."""
        queued = super().admit(record, message)
        if queued.message_type in ("result", "error"):
            raise Skipped
        return queued

    async def done(self, task: AgentMessage, journal: Journal) -> list[Send]:
        """Do a task and answer it."""
        answer = await self._craft(task, journal)
        payload = {**answer.payload, **journal.told()}
        return [self.post.reply(task, payload, ok=answer.ok)]
