"""Plans: which agent of the crew does what for a question, and what has to be done before it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aimesh.core.crew import WORKERS
from aimesh.core.text import cut, printable

MOST_STEPS = 8
TASK_BYTES = 4_000
REASON_BYTES = 300
LONGEST_ANSWER = 100_000

# an agent begins when those that it builds on have ended
_BUILDS_ON = {
    "researcher": (),
    "coder": ("researcher",),
    "writer": ("researcher", "coder"),
    "reviewer": ("coder", "writer"),
}
_USUAL_REASONS = {
    "researcher": "the facts come first",
    "coder": "it needs a program that was run",
    "writer": "what was found must be told as one answer",
    "reviewer": "somebody else must look at it",
}
_LINE = re.compile(
    rf"^[\s>#*_-]*(?:step\s*)?(?:\d{{1,2}}\s*[.):]\s*)?[*_`]*({'|'.join(WORKERS)})[*_`]*\s*[:–—-]+"
    r"[*_`]*\s*(.*)$",
    re.IGNORECASE,
)
_REASON = re.compile(r"^[\s>*_-]*(?:reason|why)[*_]*\s*:[*_]*\s*(.+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """A part of the work: who does it, what it is, why it is handed over, what must be done first.

    ``needs`` are the numbers of other steps of the plan, from 0.
    """

    agent: str
    task: str
    reason: str
    needs: tuple[int, ...] = ()

    def stored(self) -> dict[str, Any]:
        """Return the step as plain values."""
        return asdict(self)

    @classmethod
    def restored(cls, data: Mapping[str, Any]) -> Step:
        """Return the step that `stored` described."""
        return cls(data["agent"], data["task"], data["reason"], tuple(data["needs"]))


def plan_of(answer: str) -> tuple[Step, ...]:
    """Read the plan that a model answered, as lines or as JSON.

    Returns:
        The steps, eight at most; none where the answer holds no plan.
    """
    text = printable(answer[:LONGEST_ANSWER])
    return ordered(_from_json(text) or _from_lines(text))


def usual_plan(question: str) -> tuple[Step, ...]:
    """Return the plan that does for any question, for when the model gave none."""
    tasks = {
        "researcher": f"Gather what must be known to answer this: {question}",
        "writer": f"Answer this: {question}",
        "reviewer": "Check the answer: is it right, and does it say all that was asked for?",
    }
    return ordered(Step(agent, cut(task, TASK_BYTES), "") for agent, task in tasks.items())


def ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return steps with what each needs, worked out from who does what."""
    found = list(steps)[:MOST_STEPS]
    return tuple(
        Step(step.agent, step.task, step.reason or _USUAL_REASONS[step.agent], _needs(step, found))
        for step in found
    )


def _needs(step: Step, steps: Sequence[Step]) -> tuple[int, ...]:
    needed: tuple[str, ...] = _BUILDS_ON[step.agent]
    if step.agent == "reviewer" and not any(other.agent in needed for other in steps):
        needed = ("researcher",)
    return tuple(number for number, other in enumerate(steps) if other.agent in needed)


# -- going through a plan


def begins(steps: Sequence[Step], settled: Collection[int], after: int | None = None) -> list[int]:
    """Return the steps that can begin now.

    Arguments:
        steps: of the plan.
        settled: those that have ended, in whatever way.
        after: the one that has just ended; None at the beginning.
    """
    return [
        number
        for number, step in enumerate(steps)
        if (after is None and not step.needs)
        or (after in step.needs and all(need in settled for need in step.needs))
    ]


def handed_over(steps: Sequence[Step], settled: Collection[int]) -> list[int]:
    """Return the steps that somebody works on: they have begun and not ended."""
    return [
        number
        for number, step in enumerate(steps)
        if number not in settled and all(need in settled for need in step.needs)
    ]


def is_done(steps: Sequence[Step], settled: Collection[int]) -> bool:
    """Tell whether nothing is left to wait for."""
    return all(number in settled for number in range(len(steps)))


# -- reading


def _from_lines(text: str) -> list[Step]:
    found: list[tuple[str, list[str], list[str]]] = []
    for line in text.split("\n"):
        if match := _LINE.match(line):
            found.append((match[1].lower(), [match[2]], []))
        elif found and (match := _REASON.match(line)):
            found[-1][2].append(match[1])
        elif found and not found[-1][2] and not line.lstrip().startswith("```"):
            found[-1][1].append(line.rstrip())
    return [
        step
        for agent, lines, reasons in found
        if (step := _step(agent, "\n".join(lines), " ".join(reasons)))
    ]


def _from_json(text: str) -> list[Step]:
    begin, end = text.find("["), text.rfind("]")
    if not 0 <= begin < end:
        return []
    try:
        data = json.loads(text[begin : end + 1])
    except (ValueError, RecursionError):
        return []
    parts = [part for part in data if isinstance(part, dict)]
    steps = []
    for part in parts:
        agent = str(part.get("agent") or "").strip().lower()
        task = part.get("task") or part.get("instruction") or part.get("description") or ""
        if step := _step(agent, str(task), str(part.get("reason") or "")):
            steps.append(step)
    return steps


def _step(agent: str, task: str, reason: str) -> Step | None:
    task = task.strip(" \n*_`")
    if agent not in WORKERS or not task:
        return None
    return Step(agent, cut(task, TASK_BYTES), cut(reason.strip(" *_`"), REASON_BYTES))
