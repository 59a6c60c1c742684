"""What each agent of the crew can do with a task; none of it knows of queues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aimesh.agents.crew.journal import Journal
from aimesh.core import crew_prompts, prompts
from aimesh.core.answers import code_of
from aimesh.core.cases import cases_of
from aimesh.core.crew import context_of, text_of
from aimesh.core.prompts import Prompt
from aimesh.core.telemetry import AgentMessage
from aimesh.core.text import cut, printable
from aimesh.services.ollama import Ollama
from aimesh.services.sandbox import Outcome, Sandbox

TEXT_BYTES = 12_000
CODE_BYTES = 12_000
OUTPUT_BYTES = 6_000
ERROR_BYTES = 2_000


@dataclass(frozen=True)
class Answer:
    """What came of a task: the payload of the answer, and whether it is a result or an error."""

    ok: bool
    payload: dict[str, Any]


Craft = Callable[[AgentMessage, Journal], Awaitable[Answer]]


class _Asks(Protocol):
    def __call__(self, task: str, question: str, context: Sequence[tuple[str, str]]) -> Prompt: ...


@dataclass(frozen=True)
class Speaking:
    """A craft of words: one question to the model, its answer is the result."""

    ollama: Ollama
    asks: _Asks

    async def __call__(self, task: AgentMessage, journal: Journal) -> Answer:
        """Ask the model what the task asks for, with what was found before."""
        question = task.payload.get("question")
        prompt = self.asks(
            text_of(task.payload),
            question if isinstance(question, str) else "",
            context_of(task.payload),
        )
        text = await journal.ask(self.ollama, prompt)
        return Answer(True, {"text": cut(printable(text.strip()), TEXT_BYTES)})


def research(ollama: Ollama) -> Craft:
    """Return the craft of gathering facts."""
    return Speaking(ollama, crew_prompts.research)


def writing(ollama: Ollama) -> Craft:
    """Return the craft of writing an answer."""
    return Speaking(ollama, crew_prompts.write)


def checking(ollama: Ollama) -> Craft:
    """Return the craft of checking what others did."""
    return Speaking(ollama, crew_prompts.check)


@dataclass
class _Try:
    """An attempt at a program: its code, and how its run ended."""

    code: str = ""
    outcome: Outcome = field(default_factory=lambda: Outcome(verdict="no_code"))

    @property
    def error(self) -> str:
        """Why it did not pass."""
        if not self.code:
            return prompts.NO_CODE
        why = self.outcome.error or self.outcome.output or self.outcome.verdict
        return cut(printable(why), ERROR_BYTES, tail=0.7)


class Coding:
    """The craft of writing programs: the model writes, the sandbox runs, what fails is mended.

    Arguments:
        ollama: the model.
        sandbox: where the program runs.
        attempts: how many programs are tried.
    """

    def __init__(self, ollama: Ollama, sandbox: Sandbox, attempts: int) -> None:
        self._ollama = ollama
        self._sandbox = sandbox
        self._attempts = attempts

    async def __call__(self, task: AgentMessage, journal: Journal) -> Answer:
        """Write a program and run it until it passes, or attempts run out."""
        text = text_of(task.payload)
        last, number = _Try(), 0
        while number < self._attempts and not last.outcome.success:
            number += 1
            feedback = prompts.Feedback(last.code, last.error) if number > 1 else None
            last = await self._tried(text, feedback, journal)
        return Answer(last.outcome.success, _told(last, number))

    async def _tried(self, text: str, feedback: prompts.Feedback | None, journal: Journal) -> _Try:
        cases = cases_of(text)
        answer = await journal.ask(self._ollama, prompts.solve(text, (), feedback, cases))
        code = cut(printable(code_of(answer) or ""), CODE_BYTES)
        if not code.strip():
            return _Try()
        with journal.step("tool", "sandbox") as about:
            outcome = await self._sandbox.run(
                code, [{"call": case.call, "expected": case.expected} for case in cases]
            )
            about |= {
                "verdict": outcome.verdict,
                "cpu_s": outcome.cpu_s,
                "max_rss_bytes": outcome.max_rss_bytes,
            }
        return _Try(code, outcome)


def _told(last: _Try, attempts: int) -> dict[str, Any]:
    outcome, tries = last.outcome, f"{attempts} attempt{'s' * (attempts != 1)}"
    word = f"passed after {tries}" if outcome.success else f"{outcome.verdict} after {tries}"
    payload = {
        "text": f"The program {word}.",
        "code": last.code,
        "output": cut(printable(outcome.output), OUTPUT_BYTES, tail=0.5),
        "verdict": outcome.verdict,
        "attempts": attempts,
        "isolation": list(outcome.isolation),
    }
    if not outcome.success:
        payload |= {"error": f"{word}: {last.error}", "error_type": "NoWorkingProgram"}
    return payload
