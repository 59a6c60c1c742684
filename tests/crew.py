"""The crew in tests: asking it, and reading what its agents say to each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from aimesh.core.crew import AGENTS, USER, answer_id
from aimesh.core.telemetry import AgentMessage, queue_topic
from aimesh.telemetry import Telemetry
from tests.mesh import Mesh

MERGE = "Write a function that merges two sorted lists"
FACT = "What is Kafka?"


class Listener:
    """Asks the crew, and hears everything that is said in its queues.

    Arguments:
        mesh: whose crew it is; its topics must be there.
        telemetry: what it asks with.
    """

    def __init__(self, mesh: Mesh, telemetry: Telemetry, consumer: AIOKafkaConsumer) -> None:
        self.mesh = mesh
        self.telemetry = telemetry
        self._consumer = consumer
        self.heard: list[AgentMessage] = []

    def ask(self, text: str, target: str = "orchestrator", **fields: Any) -> AgentMessage:
        """Send a task to an agent."""
        sent = self.telemetry.send_to_agent(target, {"text": text}, **fields)
        assert sent is not None
        return sent

    def cancel(self, task: AgentMessage) -> None:
        """Call a task off."""
        self.telemetry.send_to_agent(
            task.target_agent,
            message_type="cancel",
            trace_id=task.trace_id,
            parent_message_id=task.message_id,
        )

    async def send(self, agent: str, *values: bytes) -> None:
        """Put any bytes into an agent's queue."""
        async with AIOKafkaProducer(bootstrap_servers=self.mesh.kafka) as producer:
            for value in values:
                await producer.send_and_wait(queue_topic(agent, self.mesh.prefix), value)

    async def until(self, condition: Callable[[], Any], limit: float = 60.0) -> Any:
        """Listen until a condition is met, and return what it is."""
        deadline = time.monotonic() + limit
        while not (found := condition()):
            if time.monotonic() > deadline:
                said = "\n".join(shown(m) for m in self.heard)
                raise AssertionError(f"not said:\n{said}\n{self.mesh.workers[-1].tail()}")
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self.heard += [found for r in records if (found := _read(r.value))]
        return found

    def of(self, task: AgentMessage, *kinds: str) -> list[AgentMessage]:
        """What was said in a task's trace, of some types, in the order in which it was sent."""
        found = [m for m in self.heard if m.trace_id == task.trace_id and m.message_type in kinds]
        return sorted(found, key=lambda message: message.timestamp)

    def answer_to(self, task: AgentMessage) -> AgentMessage | None:
        """The answer to a task, as far as it was heard."""
        wanted = answer_id(task.message_id)
        return next((m for m in self.heard if m.message_id == wanted), None)

    async def answer(self, task: AgentMessage, limit: float = 60.0) -> AgentMessage:
        """Wait for the answer to a task."""
        found = await self.until(lambda: self.answer_to(task), limit)
        assert isinstance(found, AgentMessage)
        return found


def _read(value: bytes) -> AgentMessage | None:
    try:
        data = orjson.loads(value)
        return AgentMessage.read(data) if isinstance(data, dict) else None
    except ValueError:
        return None  # a test's own, to see what becomes of it


def shown(message: AgentMessage) -> str:
    """A message in a line."""
    return (
        f"{message.timestamp} {message.source_agent}->{message.target_agent} "
        f"{message.message_type} {message.message_id} of {message.parent_message_id}"
    )


@asynccontextmanager
async def listening(
    mesh: Mesh, agents: Iterable[str] = (*AGENTS, USER), name: str = USER
) -> AsyncIterator[Listener]:
    """Hear all that is said in agents' queues from now on."""
    places = [TopicPartition(queue_topic(agent, mesh.prefix), 0) for agent in agents]
    async with (
        Telemetry(mesh.kafka, agent=name, prefix=mesh.prefix) as telemetry,
        AIOKafkaConsumer(bootstrap_servers=mesh.kafka) as consumer,
    ):
        consumer.assign(places)
        await consumer.seek_to_end(*places)
        await asyncio.gather(*(consumer.position(place) for place in places))
        yield Listener(mesh, telemetry, consumer)
