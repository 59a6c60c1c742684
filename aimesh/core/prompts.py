"""What the models are asked. Every prompt is bounded: long parts are cut with a visible mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimesh.core.cases import Case
from aimesh.core.memories import Recollection
from aimesh.core.text import cut

# bytes; the longest prompt is about 31,000 of them, a usual one below 4,000
TASK_BYTES = 8_000
CODE_BYTES = 6_000
OUTPUT_BYTES = 3_000
EXCERPT_BYTES = 600
MOST_AVOIDED = 20
MOST_MEMORIES = 6

# what tells the kinds of prompt apart, also for the rehearsal model
BRAINSTORM_SYSTEM = "You set coding tasks for Python programmers."
SOLVE_SYSTEM = (
    "You are a careful Python programmer. You answer with one complete Python program in a single "
    "```python block. It uses the standard library alone, and it prints the results of the "
    "example calls when it runs."
)
REVIEW_SYSTEM = (
    "You are a senior Python engineer who reviews code. You judge by what really happened when "
    "the code ran, and you quote it."
)
NO_CODE = "The answer held no Python code."


@dataclass(frozen=True)
class Prompt:
    """What a model is asked: who it shall be, and the question."""

    system: str
    text: str


@dataclass(frozen=True)
class Feedback:
    """An attempt that failed: its code, and what happened when it ran."""

    code: str
    error: str


def brainstorm(avoid: Sequence[str] = ()) -> Prompt:
    """Ask for one new coding task.

    Arguments:
        avoid: earlier tasks that must not be repeated, the most important first.
    """
    parts = [
        "Invent one coding task about data structures and algorithms. One Python function that "
        "uses the standard library alone must solve it. State the name of the function, its "
        "arguments, and what it returns. Give no solution.",
        "End with exactly two example cases, each on a line of its own in this form, where both "
        "sides are Python expressions:\n\nExample: call(...) -> result",
    ]
    if avoid:
        named = "\n".join(
            _tagged("known", cut(task, EXCERPT_BYTES)) for task in avoid[:MOST_AVOIDED]
        )
        parts.append(f"These tasks are known. Invent one that is clearly different:\n\n{named}")
    return Prompt(BRAINSTORM_SYSTEM, "\n\n".join(parts))


def solve(
    task: str,
    memories: Sequence[Recollection] = (),
    feedback: Feedback | None = None,
    cases: Sequence[Case] = (),
) -> Prompt:
    """Ask for a program that solves a task, or for a corrected one.

    Arguments:
        task: the task's text; it stands in the prompt as it is.
        memories: what is remembered of similar tasks, the nearest first.
        feedback: the attempt before, when it failed.
        cases: calls that must give their results; those that the task shows are not repeated.
    """
    parts = ["Solve this task in Python 3.", _tagged("task", cut(task, TASK_BYTES))]
    hidden = [case for case in cases if case.call not in task]
    if hidden:
        lines = "\n".join(f"{case.call} -> {case.expected}" for case in hidden)
        parts.append("These calls must give these results:\n" + cut(lines, OUTPUT_BYTES))
    parts += _memory_parts(memories[:MOST_MEMORIES])
    if feedback is not None:
        parts += _feedback_parts(feedback)
    parts.append("Answer with the complete program in one ```python block.")
    return Prompt(SOLVE_SYSTEM, "\n\n".join(parts))


def review(
    task: str, solution: str, success: bool, exec_output: str, verdict: str, attempts: int
) -> Prompt:
    """Ask for a review of a solution that was run.

    Arguments:
        task: the task's text.
        solution: the code that ran last.
        success: whether it passed.
        exec_output: what it printed, or the error that ended it.
        verdict: the sandbox's word for how it ended, such as ``passed`` or ``timeout``.
        attempts: how many solutions were tried.
    """
    outcome = "passed" if success else "failed"
    tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    parts = [
        f"Review this solution. It {outcome} after {tries}; the verdict of its run is `{verdict}`.",
        _tagged("task", cut(task, TASK_BYTES)),
        _tagged("solution", cut(solution, CODE_BYTES)),
        _tagged("output", cut(exec_output, OUTPUT_BYTES, tail=0.6)),
        "Say in at most ten sentences whether it is correct and why, quote the part of the output "
        "that shows it, name its time and memory cost, and what you would change.",
    ]
    return Prompt(REVIEW_SYSTEM, "\n\n".join(parts))


def _memory_parts(memories: Sequence[Recollection]) -> list[str]:
    failures = [item for item in memories if item.kind == "failure"]
    patterns = [item for item in memories if item.kind == "pattern"]
    parts = []
    if failures:
        shown = "\n".join(_tagged("failure", _remembered(item)) for item in failures)
        parts.append(f"Similar tasks failed like this. Do not make the same mistake:\n\n{shown}")
    if patterns:
        shown = "\n".join(_tagged("pattern", _remembered(item)) for item in patterns)
        parts.append(f"Similar tasks were solved like this:\n\n{shown}")
    return parts


def _remembered(item: Recollection) -> str:
    parts = [f"Task: {cut(item.task, EXCERPT_BYTES)}"]
    if item.code:
        parts.append(f"Code:\n{cut(item.code, EXCERPT_BYTES)}")
    if item.error:
        parts.append(f"Error: {cut(item.error, EXCERPT_BYTES, tail=0.8)}")
    return "\n".join(parts)


def _feedback_parts(feedback: Feedback) -> list[str]:
    error = cut(feedback.error or NO_CODE, OUTPUT_BYTES, tail=0.6)
    parts = ["The attempt before this one failed."]
    if feedback.code:
        parts.append(_tagged("code", cut(feedback.code, CODE_BYTES)))
    parts.append("This happened when it ran:\n" + _tagged("error", error))
    parts.append("Find the cause, and correct the program.")
    return parts


def _tagged(tag: str, text: str) -> str:
    return f"<{tag}>\n{text.strip(chr(10))}\n</{tag}>"
