"""What the model answers when it works in the crew: plans, research, texts and checks."""

from __future__ import annotations

import re

from aimesh.core.text import cut
from aimesh.embedded.rehearsal.catalogue import Entry
from aimesh.embedded.rehearsal.crew_facts import facts_about
from aimesh.embedded.rehearsal.reading import Question
from aimesh.embedded.rehearsal.solving import Catalogue

_WANTS_CODE = re.compile(
    r"\b(?:code|program|function|script|python|implement\w*|algorithm|compute|calculate)\b",
    re.IGNORECASE,
)
_HONEST = "(A scripted text by AI-Mesh's rehearsal model.)"
_UNKNOWN = "This rehearsal model knows a fixed catalogue of tasks, and this is not in it."
_MOST_QUOTED = 300
_SEEN = re.compile(r"It printed:\n(`{3,})text\n(.*?)\n\1", re.DOTALL)


class CrewScript:
    """Answers the crew's prompts from the catalogue.

    Arguments:
        known: the tasks.
    """

    def __init__(self, known: Catalogue) -> None:
        self._known = known

    def answer(self, question: Question) -> str:
        """Answer a prompt of the crew."""
        if question.kind == "plan":
            return self._plan(question.question)
        if question.kind == "research":
            return self._research(question)
        return _text(question) if question.kind == "write" else _check(question)

    def _plan(self, question: str) -> str:
        about = _short(question)
        steps = [
            ("researcher", f"Gather what must be known about: {about}", "the facts come first"),
            ("writer", f"Answer the question: {about}", "what was found must be told as one"),
            ("reviewer", "Check the answer and the code.", "somebody else must look at it"),
        ]
        if _WANTS_CODE.search(question) or self._known.find(question) is not None:
            why = "only a program that was run shows that it works"
            steps.insert(1, ("coder", question, why))
        return "\n".join(
            f"{number}. {agent}: {task}\nReason: {reason}"
            for number, (agent, task, reason) in enumerate(steps, 1)
        )

    def _research(self, question: Question) -> str:
        text = f"{question.question}\n{question.task}"
        entry = self._known.find(question.question or question.task)
        points = [*(_of_entry(entry) if entry else ()), *facts_about(text)]
        lines = [f"- {point}" for point in points or [_UNKNOWN]]
        return "\n".join([*lines, "", _HONEST])


def _of_entry(entry: Entry) -> list[str]:
    points = [f"The function is `{entry.name}`; a good solution takes {entry.remark}."]
    points += [f"`{case.call}` must give `{case.expected}`." for case in entry.cases]
    points += [f"A usual mistake: {pitfall.replace('-', ' ')}." for pitfall in entry.pitfalls]
    return points


def _text(question: Question) -> str:
    asked = _short(question.question or question.task)
    facts = [line[2:] for _, text in question.found for line in _points(text)]
    parts = [f"The question was: {asked}"]
    parts.append(" ".join(facts) if facts else _UNKNOWN)
    for agent, text in question.found:
        if agent == "coder":
            parts.append(_of_code(text))
    return "\n\n".join([*parts, _HONEST])


def _of_code(text: str) -> str:
    if printed := _SEEN.search(text):
        return f"The program below was run. It printed last: `{_last(printed[2])}`"
    return f"There is no program that works: {_short(text)}"


def _check(question: Question) -> str:
    if not question.found:
        return f"There is nothing to check.\n\n{_HONEST}"
    parts = []
    for agent, text in question.found:
        quoted = cut(next((x for x in text.split("\n") if x.strip()), ""), _MOST_QUOTED)
        if text.startswith("(this failed"):
            parts.append(f"The {agent} failed, so a part is missing:\n\n> {quoted}")
        elif printed := _SEEN.search(text):
            shown = cut(_last(printed[2]), _MOST_QUOTED)
            parts.append(f"The program of the {agent} ran to its end. It printed:\n\n> {shown}")
        else:
            parts.append(f"The {agent} answers what was asked. It begins:\n\n> {quoted}")
    return "\n\n".join([*parts, _HONEST])


def _last(output: str) -> str:
    return next((x for x in reversed(output.split("\n")) if x.strip()), "(nothing)")


def _points(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.startswith("- ")]


def _short(text: str) -> str:
    """The first line of a text, cut."""
    return cut(next((x.strip() for x in text.split("\n") if x.strip()), ""), _MOST_QUOTED)
