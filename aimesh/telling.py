"""Log lines, metrics and events that the agents tell of themselves, for everybody to read."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aimesh import codec
from aimesh.core.text import cut
from aimesh.faustfix import MeshApp
from aimesh.records import Line, now
from aimesh.stage import Job

logger = logging.getLogger(__name__)

MOST_PENDING = 1000
MOST_BYTES = 8000


class Teller:
    """Sends an agent's lines to the telemetry topic, without ever holding the agent up.

    Lines that cannot be sent are dropped and counted in ``dropped``.
    """

    def __init__(self, app: MeshApp, topic: str, agent: str) -> None:
        self._app = app
        self._topic = topic
        self.agent = agent
        self.dropped = 0
        self._pending: set[asyncio.Task[None]] = set()

    def log(self, message: str, *, level: str = "info", task_id: str = "") -> None:
        """Tell a line for people."""
        self._tell(Line(type="log", agent=self.agent, message=message, level=level,
                        task_id=task_id, ts=now()))  # fmt: skip

    def metric(self, name: str, value: float, **data: Any) -> None:
        """Tell a measured value."""
        self._tell(Line(type="metric", agent=self.agent, name=name, value=value,
                        data=data or None, ts=now()))  # fmt: skip

    def event(self, name: str, *, task_id: str = "", level: str = "info", **data: Any) -> None:
        """Tell that something happened."""
        self._tell(Line(type="event", agent=self.agent, name=name, task_id=task_id, level=level,
                        data=data or None, ts=now()))  # fmt: skip

    def of_job(self, what: str, job: Job, data: dict[str, Any]) -> None:
        """Tell what happened to a stage's job."""
        level = "error" if what == "dead" else "info"
        self.event(what, task_id=job.task_id, level=level, attempt=job.attempt, **data)

    def _tell(self, line: Line) -> None:
        if len(self._pending) >= MOST_PENDING:
            self.dropped += 1
            return
        line.message = cut(line.message, MOST_BYTES)
        task = asyncio.create_task(self._send(codec.dumps(line)))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _send(self, value: bytes) -> None:
        try:
            key = self.agent.encode()
            sent = await self._app.producer.send(self._topic, key, value, None, None, None)
            await sent
        except Exception as exc:  # noqa: BLE001 - telemetry must never hurt the agent
            self.dropped += 1
            logger.debug("a telemetry line was dropped: %s", exc)
