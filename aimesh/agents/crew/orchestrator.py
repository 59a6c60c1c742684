"""The orchestrator: plans a question with the model, hands its steps over, joins what comes back.

Every answer is noted before anything follows from it, and all that follows is worked out from
what is noted. So whatever is done again after a crash comes to the same messages with the same
ids, which whoever gets them a second time knows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from aimesh.agents.crew.desk import Desk
from aimesh.agents.crew.journal import Journal
from aimesh.agents.crew.plans import ANSWERED, CANCELLED, EXPIRED, Plan, Plans
from aimesh.agents.crew.reports import Expired, error_of, failure_payload
from aimesh.core import crew_prompts
from aimesh.core.crew import ending_id, plan_id, seconds_left, step_id, step_of, text_of, trace_of
from aimesh.core.crew_joining import Finding, join
from aimesh.core.crew_plan import (
    Step,
    begins,
    handed_over,
    is_done,
    plan_of,
    usual_plan,
)
from aimesh.core.telemetry import AgentMessage
from aimesh.errors import BadAnswerError, UnavailableError
from aimesh.services.ollama import Ollama
from aimesh.stage import Send, Skipped

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
FORGET_SECONDS = 3600.0
# none at all would mean that there is no end
LEAST_TTL = 0.001
NOTHING = "the question has no text"


class Orchestrator(Desk):
    """Answers questions with the help of the crew's other agents.

    Arguments:
        ollama: the model that plans.
        desk: what `Desk` takes.
    """

    def __init__(self, ollama: Ollama, *desk: Any, **more: Any) -> None:
        super().__init__(*desk, **more)
        self._ollama = ollama
        self._plans = Plans(self.book)
        self._forgot = 0.0
        self._is_loaded = False

    # -- a question

    async def done(self, task: AgentMessage, journal: Journal) -> list[Send]:
        """Plan a question, and hand the first steps over."""
        plan = self._plans.find(plan_id(task.message_id))
        if plan is None:
            question = text_of(task.payload)
            if not question:
                raise BadAnswerError(NOTHING)
            steps = await self._planned(question, journal)
            # what else came with it may be large, and is not needed any more
            plan = Plan(replace(task, payload={"text": question}), steps, journal.told())
            await self.book.written(self._plans.begin(plan))
        if plan.ended:
            raise Skipped
        self.tell.event("planned", question=plan.id, agents=[s.agent for s in plan.steps])
        return self._handed(plan, begins(plan.steps, ()), {})

    async def _planned(self, question: str, journal: Journal) -> tuple[Step, ...]:
        prompt = crew_prompts.plan(question)
        try:
            steps = plan_of(await journal.ask(self._ollama, prompt))
        except BadAnswerError as exc:
            self.tell.log(f"no usable plan: {exc}", level="warning")
            steps = ()
        return steps or usual_plan(question)

    def _handed(
        self, plan: Plan, numbers: Iterable[int], findings: Mapping[int, Finding]
    ) -> list[Send]:
        return [self.post.send(self._step(plan, number, findings)) for number in numbers]

    def _step(self, plan: Plan, number: int, findings: Mapping[int, Finding]) -> AgentMessage:
        step, question = plan.steps[number], plan.question
        context = [
            {"agent": plan.steps[need].agent, "text": findings[need].told()} for need in step.needs
        ]
        left = seconds_left(question, time.time())
        return self.post.message(
            step.agent,
            {"task": step.task, "question": text_of(question.payload), "context": context},
            message_id=step_id(plan.id, number),
            message_type="task",
            priority=question.priority,
            reason=step.reason,
            trace_id=trace_of(question),
            parent_message_id=question.message_id,
            ttl_seconds=None if left is None else max(left, LEAST_TTL),
        )

    # -- answers

    async def answered(self, message: AgentMessage) -> list[Send]:
        """Note what came of a step; go on with the next ones, or answer the question."""
        place = step_of(message.parent_message_id or "")
        plan = self._plans.find(place[0]) if place else None
        if place is None or plan is None or place[1] >= len(plan.steps):
            raise Skipped  # it answers nothing that was asked from here
        if plan.ended in (CANCELLED, EXPIRED):
            raise Skipped
        if not plan.ended and seconds_left(plan.question, time.time()) == 0:
            raise Skipped  # whoever asked is about to be told so
        finding = Finding.of(message.payload, ok=message.message_type == "result")
        changes = [self._plans.settle(plan, place[1], finding, message.message_id)]
        # what follows is worked out before anything is waited for, so that of two answers that
        # come together only the second one finds that both are there
        findings = self._plans.findings(plan)
        if is_done(plan.steps, findings):
            sends = [self._joined(plan, findings)]
            if not plan.ended:
                changes.append(self._plans.end(plan, ANSWERED, message.message_id))
                self.tell.event("answered", question=plan.id, steps=len(plan.steps))
        else:
            sends = self._handed(plan, begins(plan.steps, findings, place[1]), findings)
        await self.book.written(*(change for change in changes if change is not None))
        return sends

    def _joined(self, plan: Plan, findings: Mapping[int, Finding]) -> Send:
        joined = join(plan.steps, findings)
        payload: dict[str, Any] = {
            "text": joined.text,
            "code": joined.code,
            "output": joined.output,
            "review": joined.review,
            "missing": list(joined.missing),
            "plan": [
                {"agent": step.agent, "reason": step.reason, "ok": findings[number].ok}
                for number, step in enumerate(plan.steps)
            ],
            **plan.told,
        }
        if not joined.ok:
            payload["error"] = "; ".join(joined.missing) or "no agent found anything"
        return self.post.reply(plan.question, payload, ok=joined.ok)

    # -- the end before the end

    async def called_off(self, task_id: str, message: AgentMessage) -> list[Send]:
        """Call off the steps of a question that somebody works on."""
        plan = self._plans.find(plan_id(task_id))
        if plan is None or plan.ended_by not in ("", message.message_id):
            return []
        has_expired = message.source_agent == self.agent
        end = self._plans.end(plan, EXPIRED if has_expired else CANCELLED, message.message_id)
        sends = [
            self.post.send(self._cancellation(plan, number, message.reason))
            for number in handed_over(plan.steps, self._plans.findings(plan))
        ]
        if has_expired:
            expired = Expired(plan.question)
            sends += [
                self.post.reply(plan.question, failure_payload(expired), ok=False),
                self.post.error(error_of(self.agent, plan.question, expired)),
            ]
        await self.book.written(end)
        return sends

    def _cancellation(self, plan: Plan, number: int, reason: str | None) -> AgentMessage:
        step = step_id(plan.id, number)
        return self.post.message(
            plan.steps[number].agent,
            {},
            message_id=ending_id(step, "cancel"),
            message_type="cancel",
            priority=plan.question.priority,
            reason=reason,
            trace_id=trace_of(plan.question),
            parent_message_id=step,
        )

    # -- time

    async def on_assigned(self, *_: Any, **__: Any) -> None:
        """Note that partitions were assigned: another worker may have had the queues."""
        self._is_loaded = False

    async def look(self, should_stop: Callable[[], bool]) -> None:
        """Let questions run out, and forget old ones, until the application stops.

        Arguments:
            should_stop: tells whether it does.
        """
        while not should_stop():
            try:
                await self._look(time.time())
            except UnavailableError:
                pass  # the queues are another worker's now
            except Exception:
                # an exception that escapes a task ends the worker
                logger.exception("the orchestrator could not look at its plans")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, now: float) -> None:
        if not self._is_loaded:
            self._plans.reload()
            self._is_loaded = True
        for name in self._plans.due(now):
            plan = self._plans.find(name)
            if plan is not None and not plan.ended:
                # by way of its own queue: what follows is then a job like any other
                await self.send(self.post.send(self._expiry(plan)))
            self._plans.expiring.pop(name, None)
        if now - self._forgot > FORGET_SECONDS:
            await self.book.forget_old(now)
            self._forgot = now

    def _expiry(self, plan: Plan) -> AgentMessage:
        question = plan.question
        return self.post.message(
            self.agent,
            {},
            message_id=ending_id(question.message_id, "expired"),
            message_type="cancel",
            priority=question.priority,
            reason=str(Expired(question)),
            trace_id=trace_of(question),
            parent_message_id=question.message_id,
        )
