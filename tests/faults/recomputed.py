"""The observer's tables, worked out once more from the topics, in the plainest way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from tests.mesh import Mesh
from tests.worker import Worker

# by topic: what a message of it is to a task
PARTS = {"ai_topic": "asked", "ai_solutions": "solution", "ai_verified_solutions": "verdict"}
COUNTED = (
    "tasks", "fix_requests", "solutions", "verdicts", "passed", "failed", "reviewed",
    "dead_lettered",
)  # fmt: skip


@dataclass
class Known:
    """What is known of the mesh: counts, and of every task its outcome and what was done."""

    counts: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    parts: dict[str, set[tuple[int, str]]] = field(default_factory=dict)


async def from_log(mesh: Mesh, ids: list[str]) -> Known:
    """Work it out from all messages of the topics."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    parts: dict[str, set[tuple[int, str]]] = {}
    for topic, part in PARTS.items():
        for message in await mesh.read(topic):
            data = _object(message.value)
            if data is None or not isinstance(data.get("task"), str):
                continue  # no record of its kind: a dead letter tells of it
            place = f"x-{message.topic}-{message.partition}-{message.offset}"
            known = parts.setdefault(data.get("task_id") or place, set())
            attempt = int(data.get("attempt") or 1)
            if (attempt, part) not in known:
                known.add((attempt, part))
                counts.update(_names(part, attempt, data))
    reviewed = {
        data["task_id"] for m in await mesh.read("ai_reviews") if (data := _object(m.value))
    }
    counts["reviewed"] = len(reviewed)
    counts["dead_lettered"] = len(await mesh.read("ai_dead_letters"))
    outcomes = {task: "reviewed" if task in reviewed else "in_flight" for task in ids}
    return Known(dict(counts), outcomes, {task: parts.get(task, set()) for task in ids})


async def from_tables(worker: Worker, ids: list[str]) -> Known:
    """Ask a worker's API for it: it has the tables, or asks the one that has them."""
    status, body = await worker.fetch("/api/v1/mesh/counts")
    if status != 200:
        return Known()  # tables are just being read
    found = Known({name: body["counts"].get(name, 0) for name in COUNTED})
    for task in await _tasks(worker):
        if task["task_id"] in ids:
            found.outcomes[task["task_id"]] = task["outcome"]
            found.parts[task["task_id"]] = {
                (int(number), part) for number, parts in task["attempts"].items() for part in parts
            }
    return found


async def _tasks(worker: Worker) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, page = await worker.fetch(f"/api/v1/mesh/tasks?limit=200&cursor={cursor}")
        if status != 200:
            return found
        found += page["tasks"]
        cursor = quote(page["next_cursor"] or "")
        if not cursor:
            return found


def _object(value: bytes | None) -> dict[str, Any] | None:
    try:
        data = orjson.loads(value or b"")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _names(part: str, attempt: int, data: dict[str, Any]) -> list[str]:
    if part == "asked":
        return ["tasks" if attempt == 1 else "fix_requests"]
    if part == "solution":
        return ["solutions"]
    return ["verdicts", *(["passed" if data["success"] else "failed"] if data["final"] else [])]
