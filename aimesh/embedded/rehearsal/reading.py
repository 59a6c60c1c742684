"""Reading the mesh's prompts, as a model would: what is asked, and what is given with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from aimesh.core import crew_prompts, prompts

Kind = Literal[
    "brainstorm", "solve", "fix", "review", "plan", "research", "write", "check", "other"
]

_SYSTEMS = {
    prompts.BRAINSTORM_SYSTEM: "brainstorm",
    prompts.SOLVE_SYSTEM: "solve",
    prompts.REVIEW_SYSTEM: "review",
}
_CREW: dict[str, Kind] = {
    crew_prompts.PLAN_SYSTEM: "plan",
    crew_prompts.RESEARCH_SYSTEM: "research",
    crew_prompts.WRITE_SYSTEM: "write",
    crew_prompts.CHECK_SYSTEM: "check",
}
_REMEMBERED = re.compile(r"Task: (.*?)(?:\nCode:\n(.*?))?(?:\nError: (.*))?", re.DOTALL)


@dataclass(frozen=True)
class Failure:
    """A failure that the prompt recalls from memory, its parts perhaps cut."""

    task: str
    code: str
    error: str


@dataclass(frozen=True)
class Question:
    """A prompt, taken apart. What it does not have is empty."""

    kind: Kind
    text: str
    task: str = ""
    code: str = ""
    error: str = ""
    output: str = ""
    success: bool = False
    known: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    question: str = ""
    found: tuple[tuple[str, str], ...] = ()
    """What other agents of the crew found: who, and what."""


def read(system: str, text: str) -> Question:
    """Take a prompt apart. One that is not the mesh's own is of the kind ``other``."""
    if crew := _CREW.get(system.strip()):
        return _of_crew(crew, text)
    kind = _SYSTEMS.get(system.strip(), "other")
    task = "\n".join(_tagged("task", text)[:1])
    if kind == "brainstorm":
        return Question("brainstorm", text, known=tuple(_tagged("known", text)))
    if kind == "review":
        return Question(
            "review",
            text,
            task=task,
            code="\n".join(_tagged("solution", text)[:1]),
            output="\n".join(_tagged("output", text)[:1]),
            success=text.startswith("Review this solution. It passed"),
        )
    if kind == "solve":
        # what the task itself says must not be taken for the prompt's own parts
        rest = text.partition(f"<task>\n{task}\n</task>")[2]
        error = "\n".join(_tagged("error", rest)[-1:])
        return Question(
            "fix" if error else "solve",
            text,
            task=task,
            code="\n".join(_tagged("code", rest)[-1:]),
            error=error,
            failures=tuple(_failure(part) for part in _tagged("failure", rest)),
        )
    return Question("other", text, task=text)


def _of_crew(kind: Kind, text: str) -> Question:
    found = [part.partition("\n") for part in _tagged("found", text)]
    return Question(
        kind,
        text,
        task="\n".join(_tagged("task", text)[:1]),
        question="\n".join(_tagged("question", text)[:1]),
        found=tuple((by.removeprefix("By: "), told) for by, _, told in found),
    )


def _tagged(tag: str, text: str) -> list[str]:
    """What stands between the tags, each on a line of its own, for every pair of them."""
    found = []
    opening, closing = f"<{tag}>\n", f"\n</{tag}>"
    while opening in text:
        inside, closed, text = text.partition(opening)[2].partition(closing)
        if closed:
            found.append(inside)
    return found


def _failure(part: str) -> Failure:
    match = _REMEMBERED.fullmatch(part)
    return Failure(*(match.groups("") if match else (part, "", "")))
