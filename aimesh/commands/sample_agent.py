"""`aimesh sample-agent`: an agent to try things out with, as anybody could write one."""

from __future__ import annotations

import asyncio
import itertools
import signal
from typing import TYPE_CHECKING, Any

import click

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE
from aimesh.commands.reading import message_of
from aimesh.core.telemetry import PRIORITIES, AgentMessage
from aimesh.core.text import printable

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

    from aimesh.telemetry import Telemetry

BEAT_SECONDS = 30.0
_SECONDS = click.FloatRange(min=0.0)
_TEXTS = (
    ("Summarise what came in since the last time.", "it has the newest figures"),
    ("Look for the cause of the slow answers.", "it knows the logs"),
    ("Check the last report for mistakes.", "somebody else must look at it"),
    ("Put the findings into one table.", "it keeps the tables"),
)


@command(
    "sample-agent",
    example="aimesh sample-agent --name analyst --target archivist\n"
    "aimesh sample-agent --name archivist --target analyst --fail-every 3 --count 10",
    facts=False,
)
@click.option("--name", envvar="AGENT_NAME", show_envvar=True, required=True)
@click.option("--id", "agent_id", envvar="AGENT_ID", show_envvar=True, default="")
@click.option(
    "--target", envvar="TARGET_AGENT_NAME", show_envvar=True, default="",
    help="Who gets its tasks; without one it only works on those of others.",
)  # fmt: skip
@click.option(
    "--work-seconds", envvar="AGENT_WORK_SECONDS", show_envvar=True, type=_SECONDS, default=2.0,
    show_default=True, help="How long it works on a task.",
)  # fmt: skip
@click.option(
    "--interval-seconds", envvar="AGENT_INTERVAL_SECONDS", show_envvar=True, type=_SECONDS,
    default=5.0, show_default=True, help="Between two tasks that it sends.",
)  # fmt: skip
@click.option(
    "--fail-every", type=click.IntRange(min=0), default=4, show_default=True,
    help="Every so many tasks one fails; 0 for none.",
)  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), help="End after so many tasks were sent.")
async def sample_agent(
    run: Run,
    name: str,
    agent_id: str,
    target: str,
    work_seconds: float,
    interval_seconds: float,
    fail_every: int,
    count: int | None,
) -> int:
    """Be an agent for trying things out.

    It sends tasks to another, answers those that come, and fails now and then. It ends with Ctrl-C
    or SIGTERM. What it does is seen in the telemetry API.
    """
    from aimesh.services.queues import Queues
    from aimesh.telemetry import Telemetry

    if not name.strip():
        raise click.UsageError("the agent's name is empty")
    if count and not target:
        raise click.UsageError("--count needs --target: it counts the tasks that are sent there")
    brokers, prefix = run.brokers, run.settings.topic_prefix
    queue = await Queues(brokers, prefix, run.settings.replication).ensure(name)
    library = Telemetry(
        brokers.bootstrap,
        agent=name,
        agent_id=agent_id,
        prefix=prefix,
        service_name="aimesh-sample-agent",
        kafka=brokers.access.options(),
    )
    async with library as telemetry:
        agent = _Agent(run, telemetry, target, work_seconds, fail_every)
        parts = [agent.work(_consumer(run, queue)), agent.beat()]
        if target:
            parts.append(agent.ask(interval_seconds, count))
        await _until_stopped(parts)
    return DONE


def _consumer(run: Run, topic: str) -> AIOKafkaConsumer:
    from aiokafka import AIOKafkaConsumer

    return AIOKafkaConsumer(
        topic,
        **run.brokers.options(),
        group_id=f"{topic}-sample",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


async def _until_stopped(parts: list[Any]) -> None:
    """Run parts until one ends, or the process is told to end."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = {asyncio.ensure_future(part) for part in [*parts, stop.wait()]}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


class _Agent:
    """What the agent does: asks, works, and gives signs of life."""

    def __init__(
        self, run: Run, telemetry: Telemetry, target: str, work_seconds: float, fail_every: int
    ) -> None:
        self._out = run.out
        self._brokers = run.brokers
        self._telemetry = telemetry
        self._target = target
        self._work_seconds = work_seconds
        self._fail_every = fail_every
        self._done = 0
        self._called_off: set[str] = set()

    async def ask(self, interval: float, count: int | None) -> None:
        """Send tasks to the other agent, one an interval."""
        for number in itertools.count() if count is None else range(count):
            text, reason = _TEXTS[number % len(_TEXTS)]
            self._telemetry.send_to_agent(
                self._target,
                {"text": text, "number": number + 1},
                reason=reason,
                priority=PRIORITIES[number % len(PRIORITIES)],
                ttl_seconds=600,
            )
            self._out.line(f"→ {self._target}: {text}")
            await asyncio.sleep(interval)

    async def beat(self) -> None:
        """Let the other agent know that this one lives."""
        while True:
            if self._target:
                self._telemetry.send_to_agent(
                    self._target, message_type="heartbeat", priority="low"
                )
            await asyncio.sleep(BEAT_SECONDS)

    async def work(self, consumer: AIOKafkaConsumer) -> None:
        """Answer the tasks in the agent's queue, one after the other."""
        from aimesh.services.reading import kafka_failures

        with kafka_failures(self._brokers):
            try:
                await consumer.start()
                async for record in consumer:
                    if (message := message_of(record.value)) is not None:
                        await self._take(message)
                    await consumer.commit()
            finally:
                await consumer.stop()

    async def _take(self, message: AgentMessage) -> None:
        match message.message_type:
            case "cancel":
                self._called_off.add(message.parent_message_id or "")
            case "task" if message.message_id not in self._called_off:
                with self._telemetry.following(message):
                    await self._answer(message)
            case "result" | "error":
                self._out.line(f"← {printable(message.source_agent)}: {message.message_type}")

    async def _answer(self, task: AgentMessage) -> None:
        number, self._done = self._done, self._done + 1
        await asyncio.sleep(self._work_seconds)
        try:
            with self._telemetry.recording("task", tool_name="sample", input_data=task.payload):
                self._maybe_fail(number)
        except (TimeoutError, ConnectionError, ValueError) as exc:
            self._telemetry.reply(task, {"error": str(exc)}, failed=True)
            self._out.line(f"✘ {printable(task.source_agent)}: {exc}")
        else:
            self._telemetry.reply(task, {"text": "It is done.", "number": number + 1})
            self._out.line(f"✔ {printable(task.source_agent)}: done")

    def _maybe_fail(self, number: int) -> None:
        if not self._fail_every or (number + 1) % self._fail_every:
            return
        failures = (
            TimeoutError("the search took longer than 10 s"),
            ConnectionError("connection refused: the reports' server is not there"),
            ValueError("field 'period' must be a date, not 'yesterday'"),
        )
        raise failures[number // self._fail_every % len(failures)]
