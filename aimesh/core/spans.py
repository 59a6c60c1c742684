"""Spans: pieces of work with a beginning and an end, and what can be told from them.

A span that has not ended has neither end nor duration; its work is visible while it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aimesh.core.moments import time_text

RUNNING, COMPLETED, FAILED, CANCELLED = "running", "completed", "failed", "cancelled"


@dataclass(slots=True)
class Span:
    """One piece of work. Times are Unix seconds.

    ``kind`` is agent, model, tool or memory; task for the whole of a task of the mesh.
    """

    span_id: str
    name: str
    kind: str
    agent: str
    start: float
    end: float | None = None
    status: str = RUNNING
    parent: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def duration_ms(self) -> float | None:
        """How long it took, None while it goes on."""
        return None if self.end is None else round(max(0.0, self.end - self.start) * 1000, 3)

    def shown(self, trace_id: str) -> dict[str, Any]:
        """Return the span as callers get it."""
        return {
            "span_id": self.span_id,
            "trace_id": trace_id,
            "parent_span_id": self.parent,
            "name": self.name,
            "kind": self.kind,
            "agent_name": self.agent,
            "status": self.status,
            "start_time": time_text(self.start),
            "end_time": None if self.end is None else time_text(self.end),
            "duration_ms": self.duration_ms,
            "attributes": self.attributes,
        }


@dataclass(frozen=True, slots=True)
class Handoff:
    """Work that one agent hands to another, with its reason."""

    source: str
    target: str
    at: float
    reason: str | None = None
    message_id: str = ""
    status: str = ""
    duration_ms: float | None = None

    def shown(self) -> dict[str, Any]:
        """Return the handoff as callers get it."""
        return {
            "source_agent": self.source,
            "target_agent": self.target,
            "reason": self.reason,
            "timestamp": time_text(self.at),
            "message_id": self.message_id,
            "status": self.status,
            "duration_ms": self.duration_ms,
        }


def timeline(
    trace_id: str,
    spans: Iterable[Span],
    handoffs: Iterable[Handoff],
    events: Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return everything in the order of time, each with its type.

    Arguments:
        trace_id: the trace.
        spans: told when they begin and when they end.
        handoffs: told when they are made.
        events: anything else with a ``type`` and a ``timestamp``.
    """
    found: list[tuple[str, int, dict[str, Any]]] = []

    def note(kind: str, at: str, data: Any) -> None:
        found.append((at, len(found), {"type": kind, "timestamp": at, "data": data}))

    for span in spans:
        shown = span.shown(trace_id)
        note("span_start", shown["start_time"], shown)
        if span.end is not None:
            note("span_end", shown["end_time"], shown)
    for handoff in handoffs:
        shown = handoff.shown()
        note("handoff", shown["timestamp"], shown)
    for event in events:
        note(event["type"], event["timestamp"], event)
    return [entry for *_, entry in sorted(found, key=lambda one: one[:2])]


def graph(
    spans: Sequence[Span], handoffs: Iterable[Handoff]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return who took part as nodes, and who handed work to whom or used what as edges."""
    nodes: dict[str, dict[str, Any]] = {}
    edges: dict[tuple[str, str, str, str | None], dict[str, Any]] = {}

    def node(name: str, kind: str) -> dict[str, Any]:
        key = f"{kind}:{name}"
        if key not in nodes:
            nodes[key] = {
                "id": key,
                "name": name,
                "type": kind,
                "span_count": 0,
                "total_duration_ms": 0.0,
            }
        return nodes[key]

    def edge(source: str, target: str, kind: str, reason: str | None) -> None:
        known = edges.get((source, target, kind, reason))
        if known is None:
            edges[source, target, kind, reason] = {
                "source": source,
                "target": target,
                "type": kind,
                "reason": reason,
                "count": 1,
            }
        else:
            known["count"] += 1

    for span in spans:
        if span.kind == "task":
            continue  # the whole of the others
        name = span.agent if span.kind == "agent" else span.attributes.get("name", span.name)
        found = node(name, span.kind)
        found["span_count"] += 1
        found["total_duration_ms"] = round(found["total_duration_ms"] + (span.duration_ms or 0), 3)
        if span.kind != "agent" and span.agent:
            edge(node(span.agent, "agent")["id"], found["id"], "uses", None)
    for handoff in handoffs:
        source, target = node(handoff.source, "agent"), node(handoff.target, "agent")
        edge(source["id"], target["id"], "handoff", handoff.reason)
    return list(nodes.values()), list(edges.values())
