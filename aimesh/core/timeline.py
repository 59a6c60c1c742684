"""What happened to a task, line by line, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aimesh.core.moments import seconds_of

MOST_REASON = 300


@dataclass(frozen=True)
class Step:
    """One thing that happened: when (RFC 3339), in which attempt, who did what, and where it is.

    ``attempt`` is None for what ends a task; ``ref`` is topic, partition and offset.
    """

    at: str
    attempt: int | None
    who: str
    what: str
    ref: str


def timeline(state: Mapping[str, Any]) -> list[Step]:
    """Return the steps of a task that `aimesh.core.tasks.fold` has put together."""
    return sorted(_steps(state), key=lambda step: (step.at, step.attempt is None, step.attempt))


def _steps(state: Mapping[str, Any]) -> Iterator[Step]:
    for number, parts in state.get("attempts", {}).items():
        attempt = int(number)
        for name, (who, tell) in _PARTS.items():
            if part := parts.get(name):
                what = tell(part, state, attempt)
                yield Step(part["at"], attempt, who, what, part["ref"])
    if review := state.get("review"):
        yield Step(review["at"], None, "reviewer", _review(review), review["ref"])
    if dead := state.get("dead"):
        error = _first_line(str(dead.get("error", "")))
        yield Step(dead["at"], None, "dead letter", error, dead["ref"])


def _asked(part: Mapping[str, Any], state: Mapping[str, Any], attempt: int) -> str:
    return f"asked by {state.get('source') or 'outside'}" if attempt == 1 else "a fix is asked for"


def _solution(part: Mapping[str, Any], state: Mapping[str, Any], attempt: int) -> str:
    return f"solved by {_model(part)}"


def _verdict(part: Mapping[str, Any], state: Mapping[str, Any], attempt: int) -> str:
    facts = [f"{float(part.get('wall_s') or 0.0):.2f} s"]
    if total := part.get("cases_total"):
        facts.append(f"{part.get('cases_passed', 0)} of {total} cases")
    what = f"{part.get('verdict')} ({', '.join(facts)})"
    if part.get("success"):
        return what
    return ": ".join(filter(None, (what, _last_line(str(part.get("error") or "")))))


_PARTS = {
    "asked": ("task", _asked),
    "solution": ("consumer", _solution),
    "verdict": ("sandbox", _verdict),
}


def _review(part: Mapping[str, Any]) -> str:
    word = "passed" if part.get("success") else "failed"
    return f"reviewed as {word} by {_model(part)}"


def _model(part: Mapping[str, Any]) -> str:
    tokens = part.get("output_tokens")
    counted = "" if tokens is None else f", {tokens} tokens"
    return f"{part.get('model') or '?'} in {float(part.get('duration_s') or 0.0):.1f} s{counted}"


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")[:MOST_REASON]


def _last_line(text: str) -> str:
    # a traceback has its message there
    return _first_line("\n".join(reversed(text.splitlines())))


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one RFC 3339 time to another, 0 where one of them is none."""
    try:
        return seconds_of(later) - seconds_of(earlier)
    except ValueError:
        return 0.0


def age(seconds: float) -> str:
    """Return a span of time as people say it: ``4 s``, ``3 min``, ``2 h``, ``5 d``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
