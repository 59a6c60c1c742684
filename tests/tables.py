"""Tables in memory, where a broker would be needed for real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

from aimesh import codec
from aimesh.core.feed import FeedEvent
from aimesh.errors import TooLargeError
from aimesh.faustfix import MeshApp
from aimesh.tables.mesh import MeshTables

PARTITIONS = 4


class MemoryTable:
    """Keys and values as JSON by partition, with the methods of a table that are used here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.most = 1 << 20
        self.held: dict[tuple[int, str], bytes] = {}

    def look(self, key: str, partition: int) -> Any:
        found = self.held.get((partition, key))
        return None if found is None else codec.loads(found)

    def values(self) -> list[Any]:
        return [codec.loads(value) for value in self.held.values()]

    def put(self, key: str, value: Any, partition: int) -> asyncio.Future[None]:
        data = codec.dumps(value)
        if len(data) > self.most:
            raise TooLargeError.of(self.name, len(data), self.most)
        self.held[partition, key] = data
        return _done()

    def drop(self, key: str, partition: int) -> asyncio.Future[None]:
        del self.held[partition, key]
        return _done()


class MemoryApp:
    """Stands where an application declares its tables; they outlive what declares them again."""

    def __init__(self) -> None:
        self.tables: dict[str, MemoryTable] = {}

    def table(self, name: str, partitions: int, purpose: str) -> MemoryTable:
        return self.tables.setdefault(name, MemoryTable(name))


class MemoryTables:
    """The observer's tables over `MemoryApp`, and what the views ask of an observer."""

    def __init__(self, app: MemoryApp | None = None) -> None:
        self.app = app or MemoryApp()
        self.tables = MeshTables(cast(MeshApp, self.app), PARTITIONS)
        self.tables.reload(range(PARTITIONS))
        self.ready = self.holds = True

    def tell(self, *events: FeedEvent) -> None:
        """Work events in, each on its task's partition, without writing them down."""
        for event in events:
            self.tables.apply(_partition(event), event)

    async def write(self) -> None:
        """Write down what has changed."""
        await asyncio.gather(*self.tables.write(self.tables.changes()))

    def restarted(self) -> MemoryTables:
        """The tables as the next worker reads them."""
        return MemoryTables(self.app)


def happened(kind: str, task_id: str, second: int, **data: Any) -> FeedEvent:
    """Something that happened to a task at a second of the year 2026, at a place of its own."""
    at = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"
    more = {"task": f"Task {task_id}", "attempt": 1} if kind in ("task", "solution") else {}
    return FeedEvent(kind, at, f"ai_{kind}", 0, second, task_id, {"task_id": task_id} | more | data)


def way(task_id: str, second: int) -> Iterator[FeedEvent]:
    """The events of a task that passes at once, a second each."""
    yield happened("task", task_id, second, source="submit")
    yield happened("solution", task_id, second + 1, output_tokens=7, input_tokens=5)
    yield happened(
        "verdict", task_id, second + 2, attempt=1, verdict="passed", success=True, final=True
    )
    yield happened("review", task_id, second + 3, success=True, attempts=1, output_tokens=2)


def _partition(event: FeedEvent) -> int:
    return sum(event.key.encode()) % PARTITIONS


def _done() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
