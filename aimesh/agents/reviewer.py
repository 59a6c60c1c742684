"""The reviewer: a senior's look at what passed, or failed for the last time."""

from __future__ import annotations

from typing import Any

from aimesh.core import prompts
from aimesh.core.text import cut, printable
from aimesh.errors import BadAnswerError
from aimesh.records import Review, Verdict, now
from aimesh.services.ollama import Answer, Ollama
from aimesh.stage import Job, Send, Skipped
from aimesh.telling import Teller

MOST_REVIEW_BYTES = 64 << 10
ASKED_AT_MOST = 3


def admit(verdict: Verdict, message: Any) -> Verdict:
    """Let final verdicts pass; others are followed by another attempt."""
    if not verdict.final:
        raise Skipped
    return verdict


class Reviewer:
    """Turns final verdicts into reviews."""

    def __init__(self, ollama: Ollama, tell: Teller, reviews: str) -> None:
        self._ollama = ollama
        self._tell = tell
        self._reviews = reviews

    async def work(self, verdict: Verdict, job: Job) -> list[Send]:
        """Ask the model for a review of the code and of what it printed."""
        prompt = prompts.review(
            task=verdict.task,
            solution=verdict.solution,
            success=verdict.success,
            exec_output=verdict.exec_output,
            verdict=verdict.verdict,
            attempts=verdict.attempt,
        )
        answer = await self._asked(prompt, verdict.task_id)
        review = Review(
            task_id=verdict.task_id,
            task=verdict.task,
            solution=verdict.solution,
            success=verdict.success,
            exec_output=verdict.exec_output,
            review=cut(printable(answer.text), MOST_REVIEW_BYTES),
            attempts=verdict.attempt,
            model=answer.model,
            verdict=verdict.verdict,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            duration_s=round(answer.duration_s, 4),
            created_at=now(),
        )
        return [Send(self._reviews, review)]

    async def _asked(self, prompt: prompts.Prompt, task_id: str) -> Answer:
        problem = ""
        for _ in range(ASKED_AT_MOST):
            try:
                return await self._ollama.chat(prompt)
            except BadAnswerError as exc:
                problem = str(exc)
                self._tell.log(f"no usable review: {exc}", level="warning", task_id=task_id)
        # the verdict stands by itself; losing it for want of a review would be worse
        text = f"(no review: asked {ASKED_AT_MOST} times, the model gave no usable one: {problem})"
        return Answer(text, self._ollama.model, None, None, 0.0)
