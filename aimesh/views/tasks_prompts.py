"""What the models were asked about a task, worked out again from the task's records.

Prompts are not on any topic: they follow from what is, by the same rules as in the agents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aimesh.core import prompts
from aimesh.core.cases import Case
from aimesh.core.memories import Recollection

Shown = dict[str, Any]

_KINDS = ("failure", "pattern")
REMEMBERED = "the code of remembered tasks is not on the topic, and so is left out here"


def prompts_of(events: Iterable[Mapping[str, Any]]) -> list[Shown]:
    """Return the prompts of a task, in the order of its events.

    Arguments:
        events: of the task, as the feed has them.

    Returns:
        For each: whose it is, the attempt, both of its parts, and what it leaves out, if anything.
    """
    found = []
    last: Mapping[str, Any] = {}
    for event in events:
        data = event["data"]
        if event["kind"] == "solution":
            found.append(_solve(data))
        elif event["kind"] == "verdict":
            last = data
        elif event["kind"] == "review":
            found.append(_review(data, last))
    return found


def _solve(data: Mapping[str, Any]) -> Shown:
    memories = [
        Recollection(kind=m["kind"], task=_text(m, "task"), error=_text(m, "error"))
        for m in _list(data, "memories")
        if isinstance(m, dict) and m.get("kind") in _KINDS
    ]
    feedback = data.get("feedback")
    again = None
    if isinstance(feedback, dict):
        again = prompts.Feedback(code=_text(feedback, "code"), error=_text(feedback, "error"))
    cases = [
        Case(str(case["call"]), str(case["expected"]))
        for case in _list(data, "cases")
        if isinstance(case, dict) and {"call", "expected"} <= case.keys()
    ]
    prompt = prompts.solve(_text(data, "task"), memories, again, cases)
    left_out = REMEMBERED if memories else ""
    return _shown("consumer", _number(data.get("attempt")), prompt, left_out)


def _review(data: Mapping[str, Any], verdict: Mapping[str, Any]) -> Shown:
    attempts = _number(data.get("attempts"))
    prompt = prompts.review(
        task=_text(data, "task"),
        solution=_text(data, "solution"),
        success=data.get("success") is True,
        exec_output=_text(data, "exec_output"),
        verdict=_text(data, "verdict") or _text(verdict, "verdict"),
        attempts=attempts,
    )
    return _shown("reviewer", attempts, prompt, "")


def _shown(agent: str, attempt: int, prompt: prompts.Prompt, left_out: str) -> Shown:
    return {
        "agent": agent,
        "attempt": attempt,
        "system": prompt.system,
        "text": prompt.text,
        "left_out": left_out,
    }


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if type(value) is int and value > 0 else 1
