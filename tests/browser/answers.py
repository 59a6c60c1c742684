"""What the API answers to the pages, from a mesh and agents at work."""

from __future__ import annotations

from typing import Any

from tests.browser import samples, states
from tests.browser.samples import stamp

Answers = dict[str, Any]

TASK = "p-19a00000"
LETTER = "0-0"
TRACE = "7eb1c82c664052dabd5f5f78c0375599"
TOPICS = {
    "task": "ai_topic",
    "solution": "ai_solutions",
    "verdict": "ai_verified_solutions",
    "review": "ai_reviews",
    "line": "ai_telemetry",
    "dead_letter": "ai_dead_letters",
}


def everything() -> Answers:
    """Return what every path answers that a page asks."""
    task = task_events(0)
    return {
        "/api/v1/mesh/tasks": {"tasks": tasks(), "next_cursor": None, "as_of": stamp(0)},
        f"/api/v1/mesh/tasks/{TASK}/events": task,
        "/api/v1/mesh/audit": audit(),
        "/api/v1/mesh/dead-letters": {"dead_letters": [letter()], "as_of": stamp(0)},
        f"/api/v1/mesh/dead-letters/{LETTER}": {"dead_letter": whole_letter(), "as_of": stamp(0)},
        "/api/v1/queues": queues(),
        "/api/v1/queues/researcher/pending": {"tasks": pending(5)},
        "/api/v1/agents": agents(),
        "/api/v1/errors": errors(),
        "/api/v1/traces": {"traces": [trace()], "next_cursor": None, "as_of": stamp(0)},
        f"/api/v1/traces/{TRACE}": whole_trace(),
        f"/api/v1/traces/{TRACE}/graph": graph(),
        f"/api/v1/traces/{TRACE}/timeline": {"timeline": timeline()},
        f"/api/v1/traces/{TRACE}/errors": {"errors": [error(0)], "error_count": 1},
        "/api/v1/metrics": {
            "total_traces": 54, "completed_traces": 45, "failed_traces": 3, "running_traces": 6,
            "avg_duration_ms": 3580.6, "total_llm_calls": 110, "total_tokens": 105_218,
        },
    }  # fmt: skip


# -- tasks


def events(number: int, age: float, *, until: str = "review") -> list[dict[str, Any]]:
    """Return a task's events as the feed has them, each at a place of its own."""
    found, offsets = [], dict.fromkeys(TOPICS, 0)
    for kind, data, at in samples.story(number, age, until=until):
        offsets[kind] += 1
        where = {"topic": TOPICS[kind], "partition": 1, "offset": offsets[kind] + 40}
        found.append({"kind": kind, "at": at, **where, "key": data["task_id"], "data": data})
    return found


def task_events(number: int, *, age: float = 60, until: str = "review") -> dict[str, Any]:
    """Return what the mesh answers of one task and its events."""
    happened = events(number, age, until=until)
    prompts = [
        {"agent": "consumer", "attempt": event["data"]["attempt"], "system": "You are careful.",
         "text": "Solve this task in Python 3.\n\n<task>…</task>", "left_out": ""}
        for event in happened if event["kind"] == "solution"
    ]  # fmt: skip
    return {"task": {}, "events": happened, "lines_complete": True, "prompts": prompts}


def tasks() -> list[dict[str, Any]]:
    """Return the states of some tasks."""
    found = []
    for number, (text, codes, endings) in enumerate(samples.STORIES):
        attempts = {
            str(n): {
                "solution": {"at": stamp(20), "input_tokens": 400, "output_tokens": 90},
                "verdict": {
                    "at": stamp(19 - n), "verdict": verdict, "success": verdict == "passed",
                    "error": error, "limit": limit, "wall_s": 0.2, "isolation": samples.LAYERS,
                },
            }
            for n, (verdict, _, error, limit) in enumerate(endings[: len(codes)], 1)
        }  # fmt: skip
        passed = endings[-1][0] == "passed"
        found.append(
            {"task_id": f"p-19a{number:05x}", "task": text, "attempts": attempts,
             "first_at": stamp(60 + number), "updated_at": stamp(20), "source": "producer",
             "review": {"at": stamp(20), "success": passed}, "outcome": "reviewed"}
        )  # fmt: skip
    return found


# -- the balance


def audit(*, balanced: bool = True) -> dict[str, Any]:
    """Return what the audit found."""
    problems = [] if balanced else [{"task_id": "p-1", "kind": "lost", "why": "it is nowhere"}]
    report = {
        "balanced": balanced, "tasks_in": 42, "reviewed": 39, "dead_lettered": 2, "in_flight": 1,
        "rows": 39, "duplicates_absorbed": 0, "other_dead_letters": 0,
        "in_flight_at": {"sandbox": 1}, "problems": problems, "problems_total": len(problems),
        "read_up_to": {"ai_topic": {"0": 17, "1": 25}},
    }  # fmt: skip
    return {"report": report, "as_of": stamp(3), "took_s": 0.4, "running": False, "problem": None}


# -- dead letters


def letter() -> dict[str, Any]:
    """Return a dead letter as a list shows it."""
    return {
        "id": LETTER, "at": stamp(50), "task_id": "x-ai_topic-2-15", "origin": "ai_topic/2/15",
        "origin_at": stamp(51), "error_type": "Rejected", "error": "the task has no text",
        "role": "", "replay_count": 0, "size": 12, "preview": '{"task": ""}', "redriven": None,
    }  # fmt: skip


def whole_letter() -> dict[str, Any]:
    """Return a dead letter with everything."""
    return letter() | {
        "key": None, "headers": {"kafka_dlt-original-topic": "ai_topic"}, "text": '{"task": ""}',
        "hex": '00000000  7b 22 74 61 73 6b 22 3a  20 22 22 7d  |{"task": ""}|', "shown": 12,
    }  # fmt: skip


# -- agents


def pending(count: int) -> list[dict[str, Any]]:
    """Return tasks that wait in a queue."""
    return [
        {"message_id": f"m{number}", "source_agent": "planner", "target_agent": "researcher",
         "message_type": "task", "priority": "high", "payload": {"question": "why?"},
         "trace_id": TRACE, "reason": "facts are needed first", "timestamp": stamp(100 + number)}
        for number in range(count)
    ]  # fmt: skip


def queues() -> dict[str, Any]:
    """Return all queues."""
    names: tuple[tuple[str, int, list[dict[str, Any]]], ...] = (
        ("researcher", 5, pending(3)),
        ("writer", 0, []),
    )
    return {
        "queues": [
            {"agent_name": name, "queue_topic": f"agent-queue-{name}", "total_messages": 18,
             "kept_messages": 18, "pending_tasks": count, "pending": first}
            for name, count, first in names
        ],
        "total_messages": 36, "total_queues": 2, "pending_tasks": 5, "undecodable_messages": 0,
        "as_of": stamp(0),
    }  # fmt: skip


def agents() -> dict[str, Any]:
    """Return all agents."""
    return {
        "agents": [
            {"agent_name": name, "first_seen": stamp(900), "last_seen": stamp(4), "errors": errors}
            for name, errors in (("researcher", {"error": 9}), ("writer", {}), ("planner", {}))
        ],
        "total": 3,
    }


def error(number: int) -> dict[str, Any]:
    """Return an error of an agent."""
    return {
        "error_id": f"e{number}", "severity": "error", "category": "timeout_error",
        "error_type": "TimeoutError", "error_message": f"no answer within {30 + number} s",
        "stack_trace": 'Traceback:\n  File "draft.py", line 3', "trace_id": TRACE,
        "agent_name": "writer", "operation": "draft", "timestamp": stamp(40 + number),
        "suggested_fixes": ["allow the model more time"], "ref": "agent-telemetry-errors/0/3",
    }  # fmt: skip


def errors() -> dict[str, Any]:
    """Return the errors of all agents."""
    found = [error(number) for number in range(6)]
    found.append(error(6) | {"error_type": "KeyError", "error_message": "'facts'"})
    summary = {
        "total_errors": len(found), "by_severity": {"error": len(found)},
        "by_agent": {"writer": len(found)}, "dropped_errors": 0,
    }  # fmt: skip
    return {"total": len(found), "errors": found, "next_cursor": None, "summary": summary}


# -- traces


def trace() -> dict[str, Any]:
    """Return a trace as a list shows it."""
    return {
        "trace_id": TRACE, "name": "task for researcher", "kind": "agents", "status": "failed",
        "start_time": stamp(42), "end_time": stamp(40), "duration_ms": 2000, "task_id": None,
        "updated_at": stamp(40), "message_count": 4, "pending_tasks": 0, "error_count": 1,
        "total_tokens": 480, "agents": ["researcher", "writer"],
    }  # fmt: skip


def span(name: str, kind: str, start: float, end: float, parent: str | None) -> dict[str, Any]:
    """Return a span of the trace."""
    return {
        "span_id": name, "parent_span_id": parent, "name": name, "kind": kind, "agent_name": name,
        "status": "failed" if name == "writer" else "completed", "start_time": stamp(start),
        "end_time": stamp(end), "duration_ms": (start - end) * 1000, "attributes": {"attempt": 1},
    }  # fmt: skip


def spans() -> list[dict[str, Any]]:
    """Return the spans of the trace."""
    return [
        span("researcher", "agent", 42, 40, None),
        span("search", "tool", 41.8, 41.2, "researcher"),
        span("writer", "agent", 41, 40.2, "researcher"),
        span("chat gemma3:1b", "model", 40.9, 40.3, "writer"),
    ]


def whole_trace() -> dict[str, Any]:
    """Return everything about the trace."""
    handoff = {
        "source_agent": "researcher", "target_agent": "writer", "reason": "the facts are together",
        "timestamp": stamp(41), "status": "failed",
    }  # fmt: skip
    return {
        "trace": trace(), "spans": spans(), "events": [], "handoffs": [handoff],
        "messages_left_out": 0, "as_of": stamp(0),
    }  # fmt: skip


def graph() -> dict[str, Any]:
    """Return who took part in the trace."""
    nodes = [("agent:planner", "planner", "agent"), ("agent:researcher", "researcher", "agent"),
             ("agent:writer", "writer", "agent"), ("tool:search", "search", "tool"),
             ("model:gemma3:1b", "gemma3:1b", "model")]  # fmt: skip
    edges = [
        ("agent:planner", "agent:researcher", "handoff"),
        ("agent:researcher", "agent:writer", "handoff"),
        ("agent:writer", "agent:researcher", "handoff"),
        ("agent:researcher", "tool:search", "uses"), ("agent:writer", "model:gemma3:1b", "uses"),
    ]  # fmt: skip
    return {
        "nodes": [
            {"id": i, "name": name, "type": kind, "span_count": 1, "total_duration_ms": 800}
            for i, name, kind in nodes
        ],
        "edges": [{"source": a, "target": b, "type": kind, "reason": ""} for a, b, kind in edges],
    }


def timeline() -> list[dict[str, Any]]:
    """Return what happened in the trace, in the order of time."""
    return [{"type": "span_start", "timestamp": s["start_time"], "data": s} for s in spans()]


def state() -> dict[str, Any]:
    """Return how the mesh is doing, with how runs in the sandbox ended."""
    found = states.state()
    verdicts = {"verdicts": 76, "verdict.passed": 55, "verdict.timeout": 3, "verdict.killed": 1}
    found["counts"] |= verdicts
    return found
