"""The plans of questions, and what came of their steps, as the orchestrator keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from aimesh.agents.crew.book import KEPT, KEPT_OPEN, Book
from aimesh.core.crew import expires_at, plan_id
from aimesh.core.crew_joining import Finding
from aimesh.core.crew_plan import Step
from aimesh.core.telemetry import AgentMessage

ANSWERED, CANCELLED, EXPIRED = "answered", "cancelled", "expired"


@dataclass(frozen=True)
class Plan:
    """A question and who does what for it.

    ``told`` is what planning it cost; ``ended`` is empty while the crew works on it, and
    ``ended_by`` the message that ended it.
    """

    question: AgentMessage
    steps: tuple[Step, ...]
    told: Mapping[str, Any]
    ended: str = ""
    ended_by: str = ""

    @property
    def id(self) -> str:
        """The plan's id."""
        return plan_id(self.question.message_id)


class Plans:
    """Keeps plans in a book; each finding has an entry of its own, and so is written once."""

    def __init__(self, book: Book) -> None:
        self._book = book
        #: Plans that can run out: when, as a Unix time, by id.
        self.expiring: dict[str, float] = {}

    def find(self, plan: str) -> Plan | None:
        """Return a plan, None where there is none."""
        value = self._book.find(_key(plan))
        return _restored(value) if value is not None else None

    def begin(self, plan: Plan) -> asyncio.Future[Any]:
        """Note a new plan."""
        self._watch(plan)
        return self._put(plan)

    def end(self, plan: Plan, how: str, by: str) -> asyncio.Future[Any]:
        """Note that nothing more is done for a plan."""
        self.expiring.pop(plan.id, None)
        return self._put(replace(plan, ended=how, ended_by=by))

    def settle(
        self, plan: Plan, number: int, finding: Finding, by: str
    ) -> asyncio.Future[Any] | None:
        """Note what came of a step; the first word counts. None where that is noted already."""
        key = f"{_key(plan.id)}/{number}"
        if self._book.find(key) is not None:
            return None
        return self._book.put(key, {"finding": asdict(finding), "by": by}, kept=KEPT_OPEN)

    def findings(self, plan: Plan) -> dict[int, Finding]:
        """Return what is known of a plan's steps, by their numbers."""
        found = {n: self._book.find(f"{_key(plan.id)}/{n}") for n in range(len(plan.steps))}
        return {n: Finding(**value["finding"]) for n, value in found.items() if value}

    def reload(self) -> None:
        """Find out which plans can run out, after the book has come from another worker."""
        self.expiring = {}
        for _, value in self._book.all("plan/"):
            if "question" in value:
                self._watch(_restored(value))

    def due(self, now: float) -> Sequence[str]:
        """Return the plans that have run out at a Unix time."""
        return [plan for plan, end in self.expiring.items() if end <= now]

    def _watch(self, plan: Plan) -> None:
        end = expires_at(plan.question)
        if end is not None and not plan.ended:
            self.expiring[plan.id] = end

    def _put(self, plan: Plan) -> asyncio.Future[Any]:
        value = {
            "question": plan.question.stored(),
            "steps": [step.stored() for step in plan.steps],
            "told": dict(plan.told),
            "ended": plan.ended,
            "ended_by": plan.ended_by,
        }
        return self._book.put(_key(plan.id), value, kept=KEPT if plan.ended else KEPT_OPEN)


def _key(plan: str) -> str:
    return f"plan/{plan}"


def _restored(value: Mapping[str, Any]) -> Plan:
    return Plan(
        AgentMessage.read(value["question"]),
        tuple(Step.restored(step) for step in value["steps"]),
        value["told"],
        value["ended"],
        value["ended_by"],
    )
