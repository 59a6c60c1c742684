"""A task of the mesh as spans: one for every stage and attempt, with what was done inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aimesh.core import trace
from aimesh.core.mesh_events import Event
from aimesh.core.mesh_steps import steps_of, with_results
from aimesh.core.moments import seconds_of
from aimesh.core.spans import COMPLETED, FAILED, Handoff, Span

# the stages of a task in the order of its way
WAY = ("producer", "consumer", "sandbox", "memory", "reviewer", "persistence")
_HANDED = {
    "consumer": "a task to be solved",
    "sandbox": "a solution to be run",
    "memory": "a verdict to be remembered",
    "reviewer": "a verdict to be reviewed",
    "persistence": "a review to be kept",
}


def spans_of(task_id: str, events: Iterable[Event]) -> list[Span]:
    """Return the spans that a task's events tell of; that of the whole task comes first."""
    ordered = sorted(events, key=lambda event: event["at"])
    root = _root(task_id, ordered)
    stages: dict[tuple[str, int], Span] = {}
    inner: list[Span] = []
    for event in ordered:
        if event["kind"] in ("started", "restarted"):
            _begin(stages, root, event)
        elif event["kind"] in ("done", "dead"):
            _end(stages, root, event)
    for event in ordered:
        if make := _INNER.get(event["kind"]):
            inner += make(stages, root, event)
    return [root, *stages.values(), *with_results(steps_of(stages, root, ordered), inner)]


def ended_stage(task_id: str, event: Event) -> Span:
    """Return the span of a stage from the event that says that it is done."""
    stages: dict[tuple[str, int], Span] = {}
    root = Span(trace.span_id(task_id), "task", "task", "", 0.0)
    _end(stages, root, event)
    return next(iter(stages.values()))


def handoffs_of(spans: Sequence[Span]) -> list[Handoff]:
    """Return how a task went from stage to stage."""
    stages = [span for span in spans if span.kind == "agent" and span.agent in WAY]
    found = []
    for span in sorted(stages, key=lambda s: s.start):
        before = _before(span, stages) if span.agent in _HANDED else None
        if before is None:
            continue
        reason = _HANDED[span.agent]
        if span.attributes["attempt"] > 1 and span.agent == "consumer":
            reason = "it failed, a fix is asked for"
        found.append(
            Handoff(
                before.agent,
                span.agent,
                span.start,
                reason,
                status=span.status,
                duration_ms=span.duration_ms,
            )
        )
    return found


def _before(span: Span, stages: Sequence[Span]) -> Span | None:
    """Return the stage that handed a task to this one."""
    attempt = span.attributes["attempt"]
    if span.agent == "consumer":
        wanted = ("sandbox", attempt - 1) if attempt > 1 else ("producer", 1)
    else:
        previous = {"sandbox": "consumer", "persistence": "reviewer"}.get(span.agent, "sandbox")
        wanted = (previous, attempt)
    matching = [s for s in stages if (s.agent, s.attributes["attempt"]) == wanted]
    if not matching and span.agent == "persistence":
        matching = [s for s in stages if s.agent == "reviewer"]
    return matching[-1] if matching else None


def _root(task_id: str, ordered: Sequence[Event]) -> Span:
    times = [seconds_of(event["at"]) for event in ordered]
    root = Span(
        span_id=trace.span_id(task_id),
        name="task",
        kind="task",
        agent="",
        start=min(times),
        attributes={"task_id": task_id, "gen_ai.conversation.id": task_id, "name": "task"},
    )
    for event in ordered:
        data = event["data"]
        if event["kind"] == "task" and event["attempt"] == 1:
            root.attributes |= {k: data[k] for k in ("task", "source") if k in data}
        elif event["kind"] == "dead_letter" and root.end is None:
            root.end, root.status = seconds_of(event["at"]), FAILED
            root.attributes["error"] = data.get("error", "")
        elif event["kind"] == "review":
            root.end = seconds_of(event["at"])
            root.status = COMPLETED if data.get("success") else FAILED
            root.attributes.pop("error", None)
    return root


def _begin(stages: dict[tuple[str, int], Span], root: Span, event: Event) -> None:
    agent, attempt = event.get("agent", ""), event["attempt"]
    known = stages.get((agent, attempt))
    if known is not None:
        known.attributes["restarts"] = known.attributes.get("restarts", 0) + 1
        return
    stages[agent, attempt] = Span(
        span_id=trace.span_id(f"{root.span_id}/{agent}#{attempt}"),
        name=f"invoke_agent {agent}",
        kind="agent",
        agent=agent,
        start=seconds_of(event["at"]),
        parent=root.span_id,
        attributes={
            "attempt": attempt,
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent,
        },
    )


def _end(stages: dict[tuple[str, int], Span], root: Span, event: Event) -> None:
    agent, attempt = event.get("agent", ""), event["attempt"]
    end = seconds_of(event["at"])
    if (agent, attempt) not in stages:
        # its beginning was not seen: it says itself how long it took
        _begin(stages, root, event)
        stages[agent, attempt].start = end - float(event["data"].get("duration_s") or 0.0)
    span = stages[agent, attempt]
    if event["kind"] == "done" and span.end is None:
        failed = bool(event["data"].get("error"))
        span.end, span.status = end, FAILED if failed else COMPLETED
    elif event["kind"] == "dead":
        span.end, span.status = end, FAILED
    if event["data"].get("error"):
        span.attributes["error"] = event["data"]["error"]
        span.attributes["error.type"] = event["data"].get("error_type", "")
    if event["data"].get("tries", 1) > 1:
        span.attributes["tries"] = event["data"]["tries"]


def _chat(
    stages: dict[tuple[str, int], Span], root: Span, event: Event, agent: str
) -> tuple[Span, Span | None]:
    data, parent = event["data"], stages.get((agent, event["attempt"]))
    if parent is None:
        # a review does not say of which attempt it is: the stage does
        parent = next((s for (a, _), s in stages.items() if a == agent), None)
    attempt = parent.attributes["attempt"] if parent else event["attempt"]
    end = seconds_of(data.get("created_at") or event["at"])
    model = data.get("model", "")
    span = Span(
        span_id=trace.span_id(f"{root.span_id}/{agent}#{attempt}/chat"),
        name=f"chat {model}",
        kind="model",
        agent=agent,
        start=end - float(data.get("duration_s") or 0.0),
        end=end,
        status=COMPLETED,
        parent=(parent or root).span_id,
        attributes={
            "name": model,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": data.get("input_tokens"),
            "gen_ai.usage.output_tokens": data.get("output_tokens"),
            "attempt": attempt,
        },
    )
    return span, parent


def _solution(stages: dict[tuple[str, int], Span], root: Span, event: Event) -> list[Span]:
    chat, stage = _chat(stages, root, event, "consumer")
    found = [chat]
    if stage is not None and "memories" in event["data"]:
        # what came before the model was asked is the look-up
        found.append(
            Span(
                span_id=trace.span_id(f"{chat.span_id}/memory"),
                name="search_memory",
                kind="memory",
                agent="consumer",
                start=stage.start,
                end=max(stage.start, chat.start),
                status=COMPLETED,
                parent=stage.span_id,
                attributes={
                    "name": "memory",
                    "gen_ai.operation.name": "search_memory",
                    "gen_ai.memory.record.count": event["data"]["memories"],
                    "attempt": event["attempt"],
                },
            )
        )
    return found


def _verdict(stages: dict[tuple[str, int], Span], root: Span, event: Event) -> list[Span]:
    data, stage = event["data"], stages.get(("sandbox", event["attempt"]))
    end = seconds_of(event["at"])
    if stage is not None and stage.end is not None:
        end = min(end, stage.end)
    attributes: dict[str, Any] = {k: v for k, v in data.items() if k not in ("final", "reason")}
    return [
        Span(
            span_id=trace.span_id(f"{root.span_id}/sandbox#{event['attempt']}/run"),
            name="execute_tool sandbox",
            kind="tool",
            agent="sandbox",
            start=end - float(data.get("wall_s") or 0.0),
            end=end,
            status=COMPLETED if data.get("success") else FAILED,
            parent=(stage or root).span_id,
            attributes={
                "name": "sandbox",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "sandbox",
                "attempt": event["attempt"],
                **attributes,
            },
        )
    ]


def _review(stages: dict[tuple[str, int], Span], root: Span, event: Event) -> list[Span]:
    return [_chat(stages, root, event, "reviewer")[0]]


_INNER = {"solution": _solution, "verdict": _verdict, "review": _review}
