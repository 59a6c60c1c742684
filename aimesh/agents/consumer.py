"""The consumer: has the model write the Python for a task, or mend what failed."""

from __future__ import annotations

from typing import Any

from aimesh.core import prompts
from aimesh.core.answers import code_of
from aimesh.core.cases import Case, cases_of
from aimesh.core.identity import derived_id
from aimesh.core.text import cut, printable
from aimesh.errors import BadAnswerError
from aimesh.records import Solution, Task, now
from aimesh.services.memory import Memory
from aimesh.services.ollama import Answer, Ollama
from aimesh.stage import Job, Rejected, Send
from aimesh.telling import Teller

MOST_TASK_BYTES = 32 << 10
MOST_CODE_BYTES = 128 << 10
MOST_ANSWER_BYTES = 256 << 10
MEMORIES = 4


def admit(task: Task, message: Any) -> Task:
    """Make a full citizen of whatever program's task: an id, a time, its example cases.

    Raises:
        Rejected: there is no text, or too much of it.
    """
    if not task.task.strip():
        raise Rejected("the task has no text")
    if (size := len(task.task.encode("utf-8", "replace"))) > MOST_TASK_BYTES:
        raise Rejected(f"the task has {size} bytes of text, more than the {MOST_TASK_BYTES} it may")
    if task.attempt < 1:
        raise Rejected(f"the attempt must be 1 or more, not {task.attempt}")
    task.task = printable(task.task)
    # from its place in the log, so that a redelivery gets the same
    task.task_id = task.task_id or derived_id(message.topic, message.partition, message.offset)
    task.created_at = task.created_at or now()
    if not task.cases:
        task.cases = [{"call": c.call, "expected": c.expected} for c in cases_of(task.task)]
    return task


class Consumer:
    """Turns tasks into solutions."""

    def __init__(self, ollama: Ollama, memory: Memory, tell: Teller, solutions: str) -> None:
        self._ollama = ollama
        self._memory = memory
        self._tell = tell
        self._solutions = solutions

    async def work(self, task: Task, job: Job) -> list[Send]:
        """Ask the model for code, with what the memory has of similar tasks."""
        memories = await self._memory.recall(
            task.task, limit=MEMORIES, kinds=("failure", "pattern")
        )
        feedback = None
        if task.feedback:
            code, error = task.feedback.get("code", ""), task.feedback.get("error", "")
            feedback = prompts.Feedback(code=str(code), error=str(error))
        cases = [Case(str(c["call"]), str(c["expected"])) for c in task.cases if _is_case(c)]
        prompt = prompts.solve(task.task, memories, feedback, cases)
        try:
            answer = await self._ollama.chat(prompt)
        except BadAnswerError as exc:
            self._tell.log(f"no usable answer: {exc}", level="warning", task_id=task.task_id)
            # the sandbox's verdict on it is no_code, and the next attempt is told so
            answer = Answer("", self._ollama.model, None, None, 0.0)
        solution = Solution(
            task_id=task.task_id,
            task=task.task,
            attempt=task.attempt,
            solution=cut(printable(code_of(answer.text) or ""), MOST_CODE_BYTES),
            answer=cut(printable(answer.text), MOST_ANSWER_BYTES),
            model=answer.model,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            duration_s=round(answer.duration_s, 4),
            created_at=now(),
            feedback=task.feedback,
            memories=[
                {"kind": m.kind, "task": cut(m.task, 400), "error": cut(m.error, 400),
                 "score": round(m.score, 4)}
                for m in memories
            ],
            cases=task.cases,
        )  # fmt: skip
        return [Send(self._solutions, solution)]


def _is_case(value: Any) -> bool:
    return isinstance(value, dict) and {"call", "expected"} <= value.keys()
