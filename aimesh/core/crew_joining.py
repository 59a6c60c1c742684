"""Joining what the crew's agents found into one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aimesh.core.crew_plan import Step
from aimesh.core.text import cut, printable

TEXT_BYTES = 12_000
OUTPUT_BYTES = 3_000
ERROR_BYTES = 1_000


@dataclass(frozen=True)
class Finding:
    """What came of a step: a text, perhaps code and what it printed, or an error."""

    ok: bool
    text: str = ""
    code: str = ""
    output: str = ""
    verdict: str = ""
    error: str = ""

    @classmethod
    def of(cls, payload: Mapping[str, Any], *, ok: bool) -> Finding:
        """Return what the payload of an agent's result or error says, within bounds."""

        def text(name: str, limit: int, tail: float = 0.0) -> str:
            value = payload.get(name)
            return cut(printable(value), limit, tail=tail) if isinstance(value, str) else ""

        return cls(
            ok,
            text("text", TEXT_BYTES) or text("result", TEXT_BYTES),
            text("code", TEXT_BYTES),
            text("output", OUTPUT_BYTES, 0.5),
            text("verdict", 100),
            text("error", ERROR_BYTES, 0.7) or ("" if ok else "it gave no reason"),
        )

    def told(self) -> str:
        """Return it in words, for the agents that build on it."""
        if not self.ok:
            return f"(this failed: {self.error})"
        parts = [self.text]
        if self.code:
            parts.append(_fenced(self.code))
        if self.output:
            parts.append(f"It printed:\n{_fenced(self.output, 'text')}")
        return "\n\n".join(filter(None, parts))


@dataclass(frozen=True)
class Joined:
    """The crew's answer to a question; ``ok`` is False where no step gave anything."""

    ok: bool
    text: str
    code: str = ""
    output: str = ""
    review: str = ""
    missing: tuple[str, ...] = ()


def join(steps: Sequence[Step], findings: Mapping[int, Finding]) -> Joined:
    """Join the findings of a plan's steps: the text first, then code, review and what is missing.

    Arguments:
        steps: of the plan.
        findings: of every step, by its number.
    """
    good = [(step, findings[n]) for n, step in enumerate(steps) if findings[n].ok]
    missing = tuple(
        f"{step.agent}: {findings[n].error}" for n, step in enumerate(steps) if not findings[n].ok
    )
    by_agent = {agent: [f for s, f in good if s.agent == agent] for agent in _ORDER}
    told = next((by_agent[a] for a in ("writer", "researcher") if by_agent[a]), [])
    code = "\n\n".join(f.code for f in by_agent["coder"] if f.code)
    output = "\n".join(f.output for f in by_agent["coder"] if f.output)
    review = "\n\n".join(f.text for f in by_agent["reviewer"] if f.text)
    parts = [f.text for f in told if f.text]
    if code:
        parts.append(f"## Code\n\n{_fenced(code)}")
    if output:
        parts.append(f"It printed:\n\n{_fenced(output, 'text')}")
    if review:
        parts.append(f"## Review\n\n{review}")
    if missing:
        parts.append("## What is missing\n\n" + "\n".join(f"- {line}" for line in missing))
    ok = any(by_agent[agent] for agent in ("researcher", "coder", "writer"))
    return Joined(ok, "\n\n".join(parts), code, output, review, missing)


_ORDER = ("researcher", "coder", "writer", "reviewer")


def _fenced(text: str, tag: str = "python") -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{tag}\n{text.strip(chr(10))}\n{fence}"
