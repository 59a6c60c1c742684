"""The whole script of the rehearsal model: a prompt in, an answer out."""

from __future__ import annotations

from collections import Counter

from aimesh.embedded.rehearsal.catalogue import catalogue, further_tasks
from aimesh.embedded.rehearsal.crew import CrewScript
from aimesh.embedded.rehearsal.faults import CREW_KINDS
from aimesh.embedded.rehearsal.reading import Kind, Question
from aimesh.embedded.rehearsal.reviewing import review
from aimesh.embedded.rehearsal.sequence import TaskSequence
from aimesh.embedded.rehearsal.solving import Catalogue, Solver

_PROPOSALS = ("{task}", "Sure! Here is a task:\n\n{task}", "{task}", "**Task:** {task}")


class Script:
    """Answers prompts, always in the same way for the same seed and the same prompts before.

    Arguments:
        seed: changes the order of tasks, and which answers are garbage.
        garbage_every: one in this many first answers has no code; 0 for none.
    """

    def __init__(self, *, seed: int = 1, garbage_every: int = 25) -> None:
        self.kinds: Counter[Kind] = Counter()
        self._known = Catalogue()
        self._tasks = TaskSequence((catalogue(), further_tasks()), self._known.find, seed)
        self._crew = CrewScript(self._known)
        self._solver = Solver(self._known, garbage_every=garbage_every, seed=seed)

    def answer(self, question: Question) -> str:
        """Answer a prompt."""
        self.kinds[question.kind] += 1
        if question.kind == "brainstorm":
            shape = _PROPOSALS[self.kinds["brainstorm"] % len(_PROPOSALS)]
            return shape.format(task=self._tasks.propose(question.known))
        if question.kind == "review":
            return review(question, self._known.find(question.task))
        if question.kind in CREW_KINDS:
            return self._crew.answer(question)
        return self._solver.answer(question)
