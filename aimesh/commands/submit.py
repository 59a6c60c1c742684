"""`aimesh submit`: a task of one's own, and its way through the mesh."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE, FAILED
from aimesh.commands.reading import given_text
from aimesh.core.tasks import DEAD, IN_FLIGHT, fold
from aimesh.core.text import printable
from aimesh.core.timeline import Step, timeline

if TYPE_CHECKING:
    from aimesh.core.feed import FeedEvent

# seconds after which it is told that nobody takes the task
NOBODY = 10.0


@command(
    "submit",
    example="aimesh submit --wait 'Write a function add(a, b) that returns the sum.'\n"
    "echo 'Reverse a list without reversed().' | aimesh submit - --json",
)
@click.argument("text", nargs=-1, required=True, metavar="TEXT...|-")
@click.option("--wait", is_flag=True, help="Follow it to its review; Ctrl-C leaves it running.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Wait for so many seconds at most.")
async def submit(run: Run, text: tuple[str, ...], wait: bool, timeout: float | None) -> int:
    """Put a task into the mesh.

    "-" reads its text from standard input. With --wait it ends with 0 only where the task passed.
    """
    from aimesh.agents.consumer import MOST_TASK_BYTES

    task_text = given_text(text, "task", MOST_TASK_BYTES)
    from aimesh import topics
    from aimesh.records import Task, now
    from aimesh.services.following import TaskFollower
    from aimesh.services.reading import connected, required
    from aimesh.services.sending import TaskSender

    settings = run.settings
    async with connected(run.brokers) as admin:
        names = [layout.name for layout in topics.layouts(settings)]
        counts = await required(admin, run.brokers, names)
        follower = await TaskFollower.begin(settings, admin, counts)
    task = Task(task=task_text, task_id=f"s-{uuid.uuid4().hex}", source="submit", created_at=now())
    async with TaskSender(run.brokers, settings.topic_prefix + topics.TASKS) as sender:
        [((topic, partition), offset)] = await sender.send([task])
    if wait:
        return await _follow(run, follower, task.task_id, timeout)
    if run.out.as_json:
        where = {"topic": topic, "partition": partition, "offset": offset}
        run.out.json({"task_id": task.task_id, **where})
    else:
        run.out.line(f"submitted {task.task_id}")
        run.out.errors.say(f"see how it goes: aimesh task {task.task_id}", "dim")
    return DONE


# -- following it


async def _follow(run: Run, follower: Any, task_id: str, timeout: float | None) -> int:
    from aimesh.services.reading import TopicReader

    watch = _Watch(run, task_id)
    try:
        async with asyncio.timeout(timeout), TopicReader(run.brokers) as reader:
            await watch.follow(follower.events(reader, task_id))
    except TimeoutError:
        run.out.errors.fail(f"{task_id} has not ended within {timeout:g} s; it goes on by itself")
        return FAILED
    except asyncio.CancelledError:
        run.out.errors.note(f"it goes on without you: aimesh task {task_id}")
        raise
    return watch.told()


class _Watch:
    """Tells what happens to a task, and its result in the end."""

    def __init__(self, run: Run, task_id: str) -> None:
        self._out = run.out
        self._task_id = task_id
        self._state: dict[str, Any] = {}
        self._told: set[tuple[str, int | None]] = set()
        self._last: dict[str, Mapping[str, Any]] = {}

    async def follow(self, events: AsyncIterator[FeedEvent]) -> None:
        """Return when the task has ended."""
        hint = asyncio.create_task(self._hint())
        try:
            if self._out.as_json:
                await self._until_ended(events)
            else:
                with self._out.errors.busy(f"waiting for {self._task_id}"):
                    await self._until_ended(events)
        finally:
            hint.cancel()

    async def _until_ended(self, events: AsyncIterator[FeedEvent]) -> None:
        async for event in events:
            if event.kind == "dead_letter" and event.data.get("role") == "memory":
                continue  # nobody's end
            self._state = fold(self._state or None, event)
            self._last[event.kind] = event.data
            for step in timeline(self._state):
                self._tell(step)
            if self._state["outcome"] != IN_FLIGHT:
                return

    def _tell(self, step: Step) -> None:
        if (step.who, step.attempt) not in self._told:
            self._told.add((step.who, step.attempt))
            if not self._out.as_json:
                attempt = f"attempt {step.attempt}: " if step.attempt else ""
                self._out.errors.say(f"  {step.who}: {attempt}{printable(step.what)}", "dim")

    async def _hint(self) -> None:
        await asyncio.sleep(NOBODY)
        if not self._told - {("task", 1)} and not self._out.as_json:
            self._out.errors.note("nobody has taken it yet; is a worker running? aimesh lag")

    def told(self) -> int:
        """Print the result and return the exit code."""
        result = self._result()
        if self._out.as_json:
            self._out.json(result)
        elif result["outcome"] == DEAD:
            self._out.errors.fail(f"it became a dead letter: {printable(result['error'])}")
        else:
            self._print(result)
        return DONE if result["success"] else FAILED

    def _result(self) -> dict[str, Any]:
        review, dead = self._last.get("review", {}), self._last.get("dead_letter", {})
        return {
            "task_id": self._task_id,
            "outcome": self._state["outcome"],
            "success": bool(review.get("success")),
            "attempts": review.get("attempts", len(self._state["attempts"])),
            "verdict": review.get("verdict", ""),
            "solution": review.get("solution", ""),
            "exec_output": review.get("exec_output", ""),
            "review": review.get("review", ""),
            "model": review.get("model", ""),
            "error": dead.get("error", ""),
        }

    def _print(self, result: Mapping[str, Any]) -> None:
        out, solution = self._out, printable(result["solution"])
        if out.is_live:
            from rich.syntax import Syntax

            out.show(Syntax(solution, "python", background_color="default"))
        else:
            out.line(solution)
        for name in ("exec_output", "review"):
            out.line(f"\n-- {'output' if name == 'exec_output' else name}", "dim")
            out.line(printable(result[name]).rstrip("\n"))
        word, tries = result["verdict"] or "failed", result["attempts"]
        style = "bold green" if result["success"] else "bold red"
        out.line(f"\n{word} after {tries} attempt{'s' * (tries != 1)}", style)
