"""What the crew remembers: plans, what came of their steps, and what was called off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from aiokafka.errors import KafkaError

from aimesh.errors import LeaseLostError, UnavailableError
from aimesh.faustfix.tables import MeshTable

PARTITION = 0
SLICE = 200
DAY = 86400.0
# what has ended is kept so long, for answers that come late
KEPT = DAY
# and what never ends so long
KEPT_OPEN = 7 * DAY


class Book:
    """A table with values that are forgotten after a time.

    It is written only while this worker holds the crew's queues: else the next owner's word and
    this one's would stand side by side in the changelog.

    Arguments:
        table: of one partition.
        holds: tells whether this worker has the queues.
    """

    def __init__(self, table: MeshTable, holds: Callable[[], bool]) -> None:
        self._table = table
        self._holds = holds

    def find(self, key: str) -> dict[str, Any] | None:
        """Return a value, None where there is none.

        Raises:
            UnavailableError: the queues are moving to another worker.
        """
        self._check()
        found: dict[str, Any] | None = self._table.look(key, PARTITION)
        return found

    def put(self, key: str, value: dict[str, Any], *, kept: float = KEPT) -> asyncio.Future[Any]:
        """Set a value; it can be found at once, `written` waits until the broker has it.

        Arguments:
            kept: after so many seconds it may be forgotten.

        Raises:
            UnavailableError: the queues are moving to another worker.
        """
        self._check()
        return self._table.put(key, {**value, "until": round(time.time() + kept)}, PARTITION)

    async def written(self, *changes: asyncio.Future[Any]) -> None:
        """Wait until the broker has changes.

        Raises:
            UnavailableError: it does not take them; what was to be done is done again.
        """
        try:
            for change in changes:
                await asyncio.shield(change)
        except (KafkaError, LeaseLostError) as exc:
            raise UnavailableError("kafka", f"it did not take what the crew noted: {exc}") from exc

    def all(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Iterate over the values whose keys begin with a prefix."""
        self._check()
        after = b""
        while items := self._table.slice_after(after, SLICE, PARTITION):
            after = items[-1][0]
            yield from ((key, value) for _, key, value in items if key.startswith(prefix))

    async def forget_old(self, now: float) -> int:
        """Forget what was kept long enough at a Unix time; return how much that was.

        Raises:
            UnavailableError: the queues are moving to another worker, or the broker is away.
        """
        self._check()
        old = [key for key, value in self.all("") if value.get("until", 0) < now]
        for key in old:
            self._check()
            await self.written(self._table.drop(key, PARTITION))
        return len(old)

    def _check(self) -> None:
        if not self._holds():
            raise UnavailableError("crew", "its queues are moving to another worker")
