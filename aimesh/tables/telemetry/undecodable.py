"""Messages that are no records: counted, and the newest of them kept for looking at."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from aimesh.tables.telemetry.rows import Store, packed

KEEP = 500
PREFIX = "u/"


class Undecodables:
    """What could not be read, newest last.

    Arguments:
        store: where their rows are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.total = 0
        self.by_topic: Counter[str] = Counter()
        self.newest: deque[dict[str, Any]] = deque(maxlen=KEEP)
        self._changed: dict[str, bytes] = {}

    def take(self, found: Mapping[str, Any]) -> None:
        """Take in one."""
        self.total += 1
        self.by_topic[found["topic"]] += 1
        row = {"number": self.total, **found}
        self.newest.append(row)
        self._changed[f"{PREFIX}{self.total % KEEP}"] = packed(row)

    def take_changes(self) -> Iterator[tuple[str, bytes]]:
        """Return the rows that have changed."""
        changed, self._changed = self._changed, {}
        yield from changed.items()

    def stored(self) -> dict[str, Any]:
        """Return what must be known to read the table again."""
        return {"total": self.total, "by_topic": self.by_topic}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Read all anew."""
        self.total = data.get("total", 0)
        self.by_topic = Counter(data.get("by_topic", {}))
        rows = []
        for some in self._store.items():
            rows += [orjson.loads(value) for key, value in some if key.startswith(PREFIX)]
        fitting = [row for row in rows if row["number"] <= self.total]
        self.newest.extend(sorted(fitting, key=lambda row: row["number"]))
