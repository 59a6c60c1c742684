"""What workers know of tasks that do not come to their end."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from tests.worker import Worker

MOST = 3


async def told_of(tasks: Iterable[str], workers: Iterable[Worker]) -> str:
    """Return what each worker tells of some tasks and of the hops, a line for each."""
    paths = [f"/api/v1/mesh/tasks/{task}" for task in sorted(tasks)[:MOST]]
    lines = []
    for worker in workers:
        for path in (*paths, "/api/v1/mesh/state"):
            status, body = await worker.fetch(path)
            lines.append(f"{worker.url}{path}: {status} {orjson.dumps(body).decode()}")
    return "\n".join(lines)
