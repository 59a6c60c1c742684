"""What agents need around them in tests: the real doors, and a place where their lines arrive."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from aimesh.faustfix import MeshApp
from aimesh.stage import Job
from aimesh.telling import Teller


@dataclass(frozen=True)
class Sent:
    """A message as it was given to the producer."""

    topic: str
    key: bytes | None
    value: bytes

    @property
    def data(self) -> Any:
        return orjson.loads(self.value)


@dataclass
class Outbox:
    """Stands where an application's producer sends to the broker, and keeps what is sent.

    ``failure`` is raised instead where it is set.
    """

    sent: list[Sent] = field(default_factory=list)
    failure: Exception | None = None

    @property
    def producer(self) -> Outbox:
        return self

    async def send(
        self, topic: str, key: bytes | None, value: bytes, *_: object
    ) -> asyncio.Future[None]:
        if self.failure:
            raise self.failure
        self.sent.append(Sent(topic, key, value))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    @property
    def app(self) -> MeshApp:
        """This, as what its users know."""
        return cast(MeshApp, self)

    def teller(self, agent: str = "agent") -> Teller:
        """What an agent tells its lines, which arrive here."""
        return Teller(self.app, "ai_telemetry", agent)

    def lines(self) -> list[str]:
        """The log lines that have arrived."""
        return [sent.data["message"] for sent in self.sent if sent.data.get("type") == "log"]


def job(task_id: str = "t-1", attempt: int = 1) -> Job:
    """A job as a stage hands it to an agent."""
    return Job(task_id, attempt, topic="topic", partition=0, offset=0, value="")


@dataclass(frozen=True)
class Place:
    """A message's place in the log, which is all that agents look at."""

    topic: str = "ai_topic"
    partition: int = 2
    offset: int = 7
