"""The steps of a task's stages as spans: told as they begin, so seen while they go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aimesh.core import trace
from aimesh.core.mesh_events import STEP_ENDED, STEP_STARTED, Event
from aimesh.core.moments import seconds_of
from aimesh.core.spans import COMPLETED, FAILED, Span

_OPERATIONS = {"model": "chat", "tool": "execute_tool", "memory": "search_memory"}

Stages = Mapping[tuple[str, int], Span]


def steps_of(stages: Stages, root: Span, ordered: Iterable[Event]) -> list[Span]:
    """Return the spans of the steps that were told, in the order of their beginnings.

    Arguments:
        stages: the spans of the stages, by agent and attempt.
        root: the span of the whole task.
        ordered: the task's events, in the order of time.
    """
    found: list[Span] = []
    open_steps: dict[tuple[str, int, int], Span] = {}
    numbers: Counter[tuple[str, int, str]] = Counter()
    for event in ordered:
        key = (event.get("agent", ""), event["attempt"], _number(event))
        at = seconds_of(event["at"])
        if event["kind"] == STEP_STARTED:
            if (lost := open_steps.pop(key, None)) is not None:
                _close(lost, at, "its worker was lost")
            kind = str(event["data"].get("of", ""))
            numbers[key[0], key[1], kind] += 1
            span = _begun(stages, root, event, numbers[key[0], key[1], kind])
            found.append(span)
            open_steps[key] = span
        elif event["kind"] == STEP_ENDED and (ended := open_steps.pop(key, None)) is not None:
            _close(ended, at, event["data"].get("error"), event["data"].get("error_type"))
    for (agent, attempt, _), span in open_steps.items():
        stage = stages.get((agent, attempt))
        if stage is not None and stage.end is not None:
            _close(span, max(span.start, stage.end), None)  # how it ended was not told
    return found


def with_results(steps: list[Span], results: Sequence[Span]) -> list[Span]:
    """Return steps with what is known of them from what came of them.

    Arguments:
        steps: from `steps_of`.
        results: spans made from results: what they say goes to the last step of its kind.
    """
    last = {_place(step): step for step in steps}
    others = []
    for result in results:
        step = last.get(_place(result))
        if step is None:
            others.append(result)
            continue
        step.name = result.name
        step.attributes |= result.attributes
        if step.end is None:
            step.end = max(step.start, result.end or step.start)
        if step.status != FAILED:
            step.status = result.status
    return [*steps, *others]


def _place(span: Span) -> tuple[str, Any, str]:
    return span.agent, span.attributes.get("attempt"), span.kind


def _number(event: Event) -> int:
    number = event["data"].get("step")
    return number if type(number) is int else 0


def _begun(stages: Stages, root: Span, event: Event, number: int) -> Span:
    agent, attempt, data = event.get("agent", ""), event["attempt"], event["data"]
    kind, what = str(data.get("of", "")), str(data.get("what", ""))
    operation = _OPERATIONS.get(kind, kind)
    attributes: dict[str, Any] = {
        "name": what,
        "gen_ai.operation.name": operation,
        "attempt": attempt,
    }
    if kind in ("model", "tool"):
        attributes["gen_ai.request.model" if kind == "model" else "gen_ai.tool.name"] = what
    return Span(
        span_id=trace.span_id(f"{root.span_id}/{agent}#{attempt}/{kind}/{number}"),
        name=operation if kind == "memory" else f"{operation} {what}",
        kind=kind,
        agent=agent,
        start=seconds_of(event["at"]),
        parent=(stages.get((agent, attempt)) or root).span_id,
        attributes=attributes,
    )


def _close(span: Span, at: float, error: Any, error_type: Any = None) -> None:
    span.end, span.status = at, FAILED if error else COMPLETED
    if error:
        span.attributes["error"] = str(error)
    if error_type:
        span.attributes["error.type"] = str(error_type)
