"""Telemetry for tests: records, feeds made of them, and tables on a store without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from aimesh.core.moments import rfc3339
from aimesh.core.telemetry import CATEGORIES, PRIORITIES, SEVERITIES, AgentMessage, DetailedError
from aimesh.tables.telemetry.rows import Store
from aimesh.tables.telemetry.tables import Keep, TelemetryTables

START = 1_767_225_600.0


def at(seconds: float) -> str:
    """Return a time some seconds after the start of all tests."""
    return rfc3339(datetime.fromtimestamp(START + seconds, UTC))


def message(name: str, **fields: Any) -> dict[str, Any]:
    """Return a message as the feed has it."""
    known = {"message_id": name, "source_agent": "planner", "target_agent": "writer"}
    record = AgentMessage.checked({**known, "timestamp": at(0), **fields})
    queue = record["target_agent"].lower()
    return {**record, "ref": f"agent-queue-{queue}/0/0", "queue": queue}


def error(name: str, **fields: Any) -> dict[str, Any]:
    """Return an error as the feed has it."""
    known = {"error_id": name, "agent_name": "writer", "timestamp": at(0)}
    return {**DetailedError.checked({**known, **fields}), "ref": "agent-telemetry-errors/0/0"}


def event(task_id: str, kind: str, seconds: float, **fields: Any) -> dict[str, Any]:
    """Return something that happened to a task of the mesh, as the feed has it."""
    data = {name: fields.pop(name) for name in list(fields) if name not in ("attempt", "agent")}
    return {
        "kind": kind, "at": at(seconds), "task_id": task_id, "trace_id": "", "attempt": 1,
        "data": data, **fields,
    }  # fmt: skip


class MemoryStore(Store):
    """A store that needs no application; ``held`` is what would be on disk."""

    def __init__(self, held: dict[str, bytes]) -> None:
        super().__init__()
        self.held = held

    def read(self, key: str) -> bytes | None:
        """Return the value under a key."""
        return self.held.get(key)

    def _change(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.held.pop(key, None)
        else:
            self.held[key] = value

    def items(self) -> Iterator[list[tuple[str, bytes]]]:
        """Iterate over everything."""
        yield sorted(self.held.items())


class Disk:
    """What survives of tables when their process ends."""

    def __init__(self) -> None:
        self.stores: dict[str, dict[str, bytes]] = {}

    def tables(self, keep: Keep) -> TelemetryTables:
        """Return tables that have read everything from this disk."""

        def open_store(name: str, purpose: str) -> Store:
            return MemoryStore(self.stores.setdefault(name, {}))

        tables = TelemetryTables(open_store, keep)
        for _ in tables.restore(lambda: True):
            pass
        return tables

    def copy(self) -> Disk:
        """Return a copy: a disk as it would be after a kill right now."""
        other = Disk()
        other.stores = {name: dict(held) for name, held in self.stores.items()}
        return other


def traffic(count: int, seed: int = 1, agents: int = 5) -> Iterator[list[list[Any]]]:
    """Yield records of a feed with messages, errors, events of the mesh and repetitions."""
    random = Random(seed)
    made: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    portion: list[list[Any]] = []
    past: list[list[Any]] = []
    for number in range(count):
        kind, record = _anything(random, number, made, agents)
        topic = record.get("queue") or kind
        places[topic] = places.get(topic, -1) + 1
        portion.append([kind, topic, 0, places[topic], record])
        past.append(portion[-1])
        if random.random() < 0.05:
            portion.append(orjson.loads(orjson.dumps(random.choice(past))))
        if len(portion) >= random.randint(1, 30):
            yield orjson.loads(orjson.dumps(portion))
            portion = []
    if portion:
        yield orjson.loads(orjson.dumps(portion))


def _anything(
    random: Random, number: int, made: list[dict[str, Any]], agents: int
) -> tuple[str, dict[str, Any]]:
    chance = random.random()
    who, other = (f"agent-{random.randrange(agents)}" for _ in range(2))
    if chance < 0.1:
        trace = random.choice(made)["trace_id"] if made and random.random() < 0.5 else None
        return "error", error(
            f"e{number}", agent_name=who, severity=random.choice(SEVERITIES), trace_id=trace,
            category=random.choice(CATEGORIES), timestamp=at(number),
        )  # fmt: skip
    if chance < 0.2:
        kind = random.choice(["task", "started", "done", "solution", "verdict", "review"])
        return "event", event(
            f"t{random.randrange(max(1, number // 20))}", kind, number, agent=who,
            success=random.random() < 0.7, output_tokens=3,
        )  # fmt: skip
    if chance < 0.22:
        return "undecodable", {
            "topic": "x", "partition": 0, "offset": number, "at": at(number), "reason": "r",
            "bytes": 1, "text": "t",
        }  # fmt: skip
    return "message", _any_message(random, number, made, who, other)


def _any_message(
    random: Random, number: int, made: list[dict[str, Any]], who: str, other: str
) -> dict[str, Any]:
    base = {"source_agent": who, "target_agent": other, "timestamp": at(number)}
    kind = random.choice(["task"] * 5 + ["result"] * 3 + ["error", "cancel", "heartbeat"])
    if kind == "task" or not made:
        trace = random.choice(made)["trace_id"] if made and random.random() < 0.6 else f"tr{number}"
        again = made and random.random() < 0.05
        found = message(
            random.choice(made)["message_id"] if again else f"m{number}",
            **base, trace_id=trace, priority=random.choice(PRIORITIES),
            ttl_seconds=random.choice([None, None, 10, 1e8]),
            payload=random.choice([{}, {"session_id": "s1", "user_id": f"u{number % 3}"}]),
        )  # fmt: skip
        made.append(found)
        return found
    task = random.choice(made[-50:])
    parent = f"m{number + random.randrange(20)}" if random.random() < 0.1 else task["message_id"]
    return message(
        f"m{number}", **base, message_type=kind, parent_message_id=parent,
        trace_id=task["trace_id"] if random.random() < 0.9 else None,
        payload={"usage": {"input_tokens": 1, "output_tokens": 2}, "model": "m"},
    )  # fmt: skip


def look(tables: TelemetryTables) -> dict[str, Any]:
    """Return all that views could show of tables, for comparing."""
    messages, errors, traces = tables.messages, tables.errors, tables.traces
    return {
        "next": tables.next,
        "counts": dict(tables.counts),
        "queues": {
            name: {
                "total": queue.total,
                "kept": queue.kept,
                "waiting": queue.waiting,
                "ended": queue.ended_count,
                "pending": messages.bodies(queue.most_urgent()),
                "newest": messages.bodies(queue.newest()),
                "results": messages.bodies(queue.newest("result")),
            }
            for name, queue in messages.queues.items()
        },
        "waiting": messages.tasks.waiting,
        "ended": [n for n in messages.tasks.ended.newest()
                  if messages.tasks.ended_by(n) is not None],
        "errors": errors.counts(),
        "newest errors": errors.rows(errors.matching().newest()),
        "by trace": {
            t.trace_id: len(errors.matching(trace_id=t.trace_id)) for t in traces.newest()
        },
        "dropped": (messages.dropped_to, errors.dropped_to, traces.dropped, errors.dropped),
        "traces": [
            [getattr(t, name) for name in t.__slots__]
            + [messages.bodies(messages.of_trace(t))]
            + [tables.tasks.events(t) if t.task_id else []]
            for t in traces.newest()
        ],
        "statuses": dict(traces.counts()),
        "sessions": [t.trace_id for t in traces.newest(session="s1", status="completed")],
        "duration": traces.duration,
        "agents": {a.key: a.stored() for a in tables.agents.agents.values()},
        "undecodable": (tables.undecodable.total, list(tables.undecodable.newest)),
        "tasks": [(n, e) for n, e, _ in tables.tasks.after(0)],
    }  # fmt: skip
