"""What the model answers when it is asked for code."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from aimesh.core import prompts
from aimesh.core.text import cut
from aimesh.embedded.rehearsal.catalogue import Entry, catalogue, further_tasks
from aimesh.embedded.rehearsal.embedding import cosine, embedding
from aimesh.embedded.rehearsal.generic import generic_program
from aimesh.embedded.rehearsal.reading import Failure, Question

_SAME_TASK = 0.6
_GARBAGE = (
    "I'm not sure what you mean. Could you describe the task in more detail?",
    "This is a classic exercise. First think about the edge cases, then about the order of "
    "steps, and finally about how fast it has to be. I hope that helps!",
    "```text\nStep 1: read the input\nStep 2: solve the problem\nStep 3: print the result\n```",
)
_SHAPES = (
    "```python\n{code}```",
    "Here is a solution:\n\n```python\n{code}```\n\nIt runs the examples at the end.",
    "```py\n{code}```",
    "<think>\nThe examples tell what is wanted.\n</think>\n\n```python\n{code}```",
    "~~~python\n{code}~~~\n\nThe standard library is all it needs.",
    "```\n{code}```",
    "The idea is simple, so here is the program.\n\n```python\n{code}```\n\nOutput:\n\n"
    "```text\nsee the examples\n```",
    "{code}",
)


class Catalogue:
    """Finds the task of the catalogue that a text is about."""

    def __init__(self) -> None:
        self._by_name = {entry.name: entry for entry in catalogue() + further_tasks()}

    def find(self, text: str) -> Entry | None:
        """The task whose function is named in a text that resembles its statement, or None."""
        named = {word for word in re.findall(r"\w+", text) if word in self._by_name}
        scores = [
            (cosine(embedding(text), embedding(self._by_name[name].statement)), name)
            for name in sorted(named)
        ]
        best = max(scores, default=(0.0, ""))
        return self._by_name[best[1]] if best[0] >= _SAME_TASK else None


class Solver:
    """Answers with code: right at once, after feedback, thanks to a memory, or never.

    Arguments:
        known: the tasks.
        garbage_every: one in this many first answers has no code; 0 for none.
        seed: changes which ones.
    """

    def __init__(self, known: Catalogue, *, garbage_every: int = 25, seed: int = 1) -> None:
        self._known = known
        self._garbage_every = garbage_every
        self._seed = seed

    def answer(self, question: Question) -> str:
        """The whole answer, code and words around it."""
        chance = zlib.crc32(f"{self._seed}:{question.task}".encode("utf-8", "surrogatepass"))
        if self._garbage_every and not question.error and chance % self._garbage_every == 0:
            return _GARBAGE[chance // self._garbage_every % len(_GARBAGE)]
        return _SHAPES[chance // 7 % len(_SHAPES)].format(code=self.program(question))

    def program(self, question: Question) -> str:
        """The program alone."""
        entry = self._known.find(question.task)
        if entry is None:
            return generic_program(question.task)
        wrong = entry.wrong
        step = _step_after(question, wrong)
        if entry.hopeless:
            return wrong[step % len(wrong)]
        lessons = self._lessons(question.failures)
        while step < len(wrong) and entry.pitfalls[step] in lessons:
            step += 1
        return wrong[step] if step < len(wrong) else entry.right

    def _lessons(self, failures: Sequence[Failure]) -> set[str]:
        """The pitfalls that the recalled failures fell into."""
        lessons: set[str] = set()
        for failure in failures:
            entry = self._known.find(failure.task)
            if entry is None or not failure.error:
                continue
            for code, pitfall in zip(entry.wrong, entry.pitfalls, strict=True):
                if failure.code.strip() == cut(code, prompts.EXCERPT_BYTES).strip():
                    lessons.add(pitfall)
        return lessons


def _step_after(question: Question, wrong: Sequence[str]) -> int:
    """Which try comes next: the one after the try that the feedback shows."""
    if question.error:
        for step, code in enumerate(wrong):
            if question.code.strip() == code.strip():
                return step + 1
    return 0
