"""`aimesh crew`: a question to the crew, who hands what to whom meanwhile, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE, FAILED
from aimesh.commands.reading import given_text, message_of
from aimesh.core.crew import AGENTS, ORCHESTRATOR, QUESTION_BYTES, USER
from aimesh.core.moments import seconds_of
from aimesh.core.telemetry import PRIORITIES, AgentMessage, queue_topic
from aimesh.core.text import printable
from aimesh.errors import UnavailableError

if TYPE_CHECKING:
    from aimesh.services.reading import TopicReader
    from aimesh.telemetry import Telemetry

# seconds after which it is told that nobody takes the question
NOBODY = 10.0
# for the crew to say itself that the time has run out
GRACE = 15.0
SEND_SECONDS = 15.0


@command(
    "crew",
    example='aimesh crew "Write a function that merges two sorted lists"\n'
    "aimesh crew --priority high --timeout 300 --json 'How does binary search work?'",
)
@click.argument("question", nargs=-1, required=True, metavar="QUESTION...|-")
@click.option("--priority", type=click.Choice(PRIORITIES), default="normal", show_default=True)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    help="The question is called off after so many seconds.",
)
async def crew(run: Run, question: tuple[str, ...], priority: str, timeout: float | None) -> int:
    """Ask the crew a question, and see who does what.

    An orchestrator plans; a researcher, a coder, a writer and a reviewer do the work. "-" reads
    the question from standard input. Ctrl-C calls it off. It ends with 0 when there is an answer.
    """
    text = given_text(question, "question", QUESTION_BYTES)
    from aimesh.services.reading import TopicReader, connected, required
    from aimesh.telemetry import Telemetry

    prefix, brokers = run.settings.topic_prefix, run.brokers
    names = [queue_topic(agent, prefix) for agent in (*AGENTS, USER)]
    async with connected(brokers) as admin:
        starts = await admin.ends(await required(admin, brokers, names))
    library = Telemetry(
        brokers.bootstrap, agent=USER, prefix=prefix, kafka=brokers.access.options()
    )
    async with TopicReader(brokers) as reader, library as telemetry:
        asked = await _ask(telemetry, text, priority, timeout)
        watch = _Watch(run, asked)
        try:
            async with asyncio.timeout(timeout and timeout + GRACE):
                await watch.follow(_messages(reader, starts, asked))
        except TimeoutError:
            run.out.errors.fail(f"no answer within {timeout:g} s; is a worker running? aimesh lag")
            return FAILED
        except asyncio.CancelledError:
            _call_off(telemetry, asked)
            run.out.errors.note("the question was called off")
            raise
    return watch.told()


async def _ask(
    telemetry: Telemetry, text: str, priority: str, timeout: float | None
) -> AgentMessage:
    asked = telemetry.send_to_agent(
        ORCHESTRATOR,
        {"text": text},
        reason="asked on the command line",
        priority=priority,
        ttl_seconds=timeout,
    )
    if asked is None or not await telemetry.flush(SEND_SECONDS):
        raise UnavailableError("kafka", "it does not take the question")
    return asked


def _call_off(telemetry: Telemetry, asked: AgentMessage) -> None:
    telemetry.send_to_agent(
        ORCHESTRATOR,
        message_type="cancel",
        reason="called off on the command line",
        priority=asked.priority,
        trace_id=asked.trace_id,
        parent_message_id=asked.message_id,
    )


async def _messages(
    reader: TopicReader, starts: Mapping[tuple[str, int], int], asked: AgentMessage
) -> AsyncIterator[AgentMessage]:
    """Yield the messages of a question's trace, without end."""
    async for record in reader.following(starts):
        message = message_of(record.value)
        if message is not None and message.trace_id == asked.trace_id:
            yield message


class _Watch:
    """Tells who hands what to whom, and the answer in the end."""

    def __init__(self, run: Run, asked: AgentMessage) -> None:
        self._out = run.out
        self._asked = asked
        self._began = seconds_of(asked.timestamp)
        self._tasks: dict[str, AgentMessage] = {}
        self._seen: set[str] = set()
        self._handoffs: list[dict[str, Any]] = []
        self._answer: AgentMessage | None = None

    async def follow(self, messages: AsyncIterator[AgentMessage]) -> None:
        """Return when the question is answered."""
        hint = asyncio.create_task(self._hint())
        try:
            if self._out.as_json:
                await self._until_answered(messages)
            else:
                with self._out.errors.busy("the crew is at work"):
                    await self._until_answered(messages)
        finally:
            hint.cancel()
            await asyncio.wait({hint})

    async def _until_answered(self, messages: AsyncIterator[AgentMessage]) -> None:
        async for message in messages:
            if message.message_id in self._seen:
                continue  # sent twice, after a crash
            self._seen.add(message.message_id)
            self._take(message)
            is_answer = message.message_type in ("result", "error")
            if is_answer and message.parent_message_id == self._asked.message_id:
                self._answer = message
                return

    def _take(self, message: AgentMessage) -> None:
        kind = message.message_type
        if kind == "task":
            self._tasks[message.message_id] = message
            self._handoffs.append(self._handoff(message))
            self._tell(message, f"→ {message.target_agent}: {message.reason or 'no reason'}")
        elif kind in ("result", "error"):
            took = self._ended(message)
            what = _gist(message)
            self._tell(message, f"{'✔' if kind == 'result' else '✘'} {what} ({took:.1f} s)")

    def _handoff(self, task: AgentMessage) -> dict[str, Any]:
        return {
            "message_id": task.message_id,
            "from": task.source_agent,
            "to": task.target_agent,
            "reason": task.reason,
            "after_s": round(seconds_of(task.timestamp) - self._began, 3),
            "status": "pending",
            "duration_s": None,
        }

    def _ended(self, answer: AgentMessage) -> float:
        task = self._tasks.get(answer.parent_message_id or "")
        took = seconds_of(answer.timestamp) - seconds_of(task.timestamp) if task else 0.0
        for handoff in self._handoffs:
            if handoff["message_id"] == answer.parent_message_id:
                handoff |= {"status": answer.message_type, "duration_s": round(took, 3)}
        return took

    def _tell(self, message: AgentMessage, what: str) -> None:
        if not self._out.as_json:
            at = seconds_of(message.timestamp) - self._began
            style = {"error": "red", "result": "green"}.get(message.message_type, "")
            line = f"{at:6.1f} s  {message.source_agent:<12} {what}"
            self._out.errors.say(printable(line), style)

    async def _hint(self) -> None:
        await asyncio.sleep(NOBODY)
        if self._seen <= {self._asked.message_id} and not self._out.as_json:
            self._out.errors.note("nobody has taken it yet; does a worker run the role crew?")

    def told(self) -> int:
        """Print the answer and return the exit code."""
        assert self._answer is not None
        ok, payload = self._answer.message_type == "result", self._answer.payload
        if self._out.as_json:
            self._out.json(
                {
                    "message_id": self._asked.message_id,
                    "trace_id": self._asked.trace_id,
                    "ok": ok,
                    "handoffs": self._handoffs,
                    **{name: payload.get(name) for name in _TOLD},
                }
            )
        elif not ok:
            self._out.errors.fail(printable(str(payload.get("error") or "no reason was given")))
        else:
            self._print(printable(str(payload.get("text") or "")))
        return DONE if ok else FAILED

    def _print(self, text: str) -> None:
        if self._out.is_live:
            from rich.markdown import Markdown

            self._out.show(Markdown(text))
        else:
            self._out.line(text)


_TOLD = ("text", "code", "output", "review", "missing", "error")


def _gist(message: AgentMessage) -> str:
    """The first line of what an agent answers."""
    name = "error" if message.message_type == "error" else "text"
    text = str(message.payload.get(name) or "")
    line = next((line.strip() for line in text.split("\n") if line.strip()), "done")
    return line if len(line) <= 100 else f"{line[:99]}…"
