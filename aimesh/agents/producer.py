"""The producer: brainstorms a task whenever the governor lets it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from aimesh.core import prompts
from aimesh.core.answers import ParsedTask, task_of
from aimesh.core.governing import ACTIVE
from aimesh.core.moments import seconds_of
from aimesh.core.text import cut, printable
from aimesh.errors import BadAnswerError, UnavailableError
from aimesh.records import GovernorDecision, Task, now
from aimesh.services.memory import Experience, Memory
from aimesh.services.ollama import Ollama
from aimesh.stage import Job, Send, Skipped
from aimesh.telling import Teller

logger = logging.getLogger(__name__)

FRESH_SECONDS = 5.0
ASKED_AGAIN = 3
MOST_TASK_BYTES = 16 << 10
RECALLED = 6
HINT = "a coding task about data structures and algorithms"


class Producer:
    """Turns fresh ACTIVE decisions into tasks, one at a time and not too often.

    Arguments:
        interval: least seconds between two tasks.
        similarity_limit: a proposal as similar as this to an earlier task is a repetition.
        is_busy: tells whether a task is being made right now.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        ollama: Ollama,
        memory: Memory,
        tell: Teller,
        *,
        tasks: str,
        interval: float,
        similarity_limit: float,
        is_busy: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ollama = ollama
        self._memory = memory
        self._tell = tell
        self._tasks = tasks
        self._interval = interval
        self._similarity_limit = similarity_limit
        self._is_busy = is_busy
        self._clock = clock
        self._last: float | None = None
        self._state = ""
        self._hint = HINT

    # -- which decisions become tasks

    def admit(self, decision: GovernorDecision, message: Any) -> GovernorDecision:
        """Let a fresh ACTIVE decision pass when a task is due; skip every other record."""
        if decision.type != "decision" or _age(decision) > FRESH_SECONDS:
            raise Skipped
        self._note(decision)
        if decision.state != ACTIVE or self._is_busy():
            raise Skipped
        if self._last is not None and self._clock() - self._last < self._interval:
            raise Skipped
        self._last = self._clock()
        decision.task_id = f"p-{decision.decision_id}"
        return decision

    def _note(self, decision: GovernorDecision) -> None:
        if decision.state == self._state:
            return
        self._state = decision.state
        if decision.state == ACTIVE:
            message = f"Lag is fine, producing. {decision.reason}"
            self._tell.log(message)
            logger.info("%s", message)
        else:
            message = f"LAG TOO HIGH. Throttling... {decision.reason}"
            self._tell.log(message, level="warning")
            logger.warning("%s", message)

    # -- making one

    async def work(self, decision: GovernorDecision, job: Job) -> list[Send]:
        """Brainstorm a task that is not too close to an earlier one; none after some tries."""
        earlier = await self._memory.recall(self._hint, limit=RECALLED, kinds=("task",))
        avoid = [memory.task for memory in earlier]
        for _ in range(1 + ASKED_AGAIN):
            proposal = await self._proposed(avoid)
            if proposal is None:
                continue
            near = await self._near(proposal.text)
            if not near:
                return [await self._accepted(proposal, decision.task_id)]
            self._tell.log(f"too close to an earlier task: {proposal.text.splitlines()[0][:120]}")
            avoid = [*near, proposal.text, *avoid]
        self._tell.log("no new task came to mind, trying again later", level="warning")
        return []

    async def _proposed(self, avoid: list[str]) -> ParsedTask | None:
        try:
            answer = await self._ollama.chat(prompts.brainstorm(avoid))
        except BadAnswerError as exc:
            self._tell.log(f"no usable task: {exc}", level="warning")
            return None
        return task_of(answer.text)

    async def _near(self, text: str) -> list[str]:
        found = await self._memory.nearest(text)
        return [memory.task for memory in found if memory.score >= self._similarity_limit]

    async def _accepted(self, proposal: ParsedTask, task_id: str) -> Send:
        text = cut(printable(proposal.text), MOST_TASK_BYTES)
        self._hint = text
        try:
            await self._memory.remember(
                [Experience(task_id=task_id, attempt=1, kind="task", task=text, code="", error="")]
            )
        except UnavailableError as exc:
            # its verdict will be remembered when the memory is back, this is only sooner
            logger.debug("the new task was not remembered: %s", exc)
        task = Task(
            task=text,
            task_id=task_id,
            source="producer",
            created_at=now(),
            cases=[{"call": case.call, "expected": case.expected} for case in proposal.cases],
        )
        return Send(self._tasks, task)


def _age(decision: GovernorDecision) -> float:
    try:
        return time.time() - seconds_of(decision.ts)
    except ValueError:
        return float("inf")
