"""The observer's tables: tasks, counts, what is in flight, how every hop is doing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from aimesh.core import tasks
from aimesh.core.feed import FeedEvent
from aimesh.core.moments import seconds_of
from aimesh.core.tally import Tally
from aimesh.errors import TooLargeError
from aimesh.faustfix import MeshApp, MeshTable

logger = logging.getLogger(__name__)

# a table, a partition of it, a key, and its new value or None where it is to go
Change = tuple[MeshTable, int, str, Any]

# a hop's history: a point every so many seconds, for so long
HISTORY_SPACING = 5.0
HISTORY_KEPT = 900.0
MINUTE = 60.0


class MeshTables:
    """Works feed events into state; changes are held in memory and written in batches.

    Every value can be worked out again from the feed, and every change is such that working an
    event in twice does not matter. So a batch's messages are acknowledged when its writes are
    durable, and a crash in between only repeats some of them.
    """

    def __init__(self, app: MeshApp, partitions: int) -> None:
        self._tasks = app.table("tasks", partitions, "What is known of every task.")
        self._tallies = app.table("tallies", partitions, "Counts by outcome and agent.")
        self._flying = app.table("in_flight", partitions, "Tasks that have not ended.")
        self._hops = app.table("hops", partitions, "Lag of every hop, with its last minutes.")
        self._states = app.table("states", partitions, "The governor's and the stages' last words.")
        self._dirty: dict[tuple[int, str], tasks.State] = {}
        self._touched: set[int] = set()
        self._tally: dict[int, Tally] = {}
        self._in_flight: dict[int, dict[str, str]] = {}
        self._changed_hops: dict[tuple[int, str], dict[str, Any]] = {}
        self._changed_states: dict[tuple[int, str], dict[str, Any]] = {}
        self._words: dict[str, dict[str, Any]] = {}
        self._tokens: deque[tuple[float, int]] = deque()

    # -- the partitions that are owned

    def reload(self, partitions: Iterable[int]) -> None:
        """Read what must be at hand of the partitions that this worker owns now."""
        self.forget()
        for partition in partitions:
            self._tally[partition] = Tally.restored(self._tallies.look(str(partition), partition))
            self._in_flight[partition] = {}
        for value in list(self._flying.values()):
            if value["p"] in self._in_flight:
                self._in_flight[value["p"]][value["id"]] = value["at"]
        for value in list(self._states.values()):
            self._words[value["name"]] = value

    def forget(self) -> None:
        """Drop what is held of partitions: they may move."""
        for held in (self._dirty, self._tally, self._in_flight, self._changed_hops):
            held.clear()
        self._changed_states.clear()
        self._touched.clear()
        self._words.clear()

    # -- events in

    def apply(self, partition: int, event: FeedEvent) -> None:
        """Work one event of the feed in."""
        tally = self._tally.get(partition)
        if tally is None:
            return
        task_id = tasks.task_id_of(event)
        old = self._state(partition, task_id) if task_id else None
        counted = tally.add(event, tasks.is_repeated(old, event))
        self._touched.add(partition)
        if event.kind == "lag":
            self._apply_lag(partition, event)
        elif event.kind in ("decision", "stage"):
            self._apply_word(partition, event)
        elif task_id and (old is not None or event.kind != "line"):  # else none of a task's
            self._apply_task(partition, old, event, counted)
            if counted and event.kind in ("solution", "review"):
                tokens = int(event.data.get("output_tokens") or 0)
                self._tokens.append((time.monotonic(), tokens))

    def _apply_task(
        self, partition: int, old: tasks.State | None, event: FeedEvent, counted: bool
    ) -> None:
        state = tasks.fold(old, event)
        task_id = state["task_id"]
        self._dirty[partition, task_id] = state
        # A list is continued after a task's first time, so it must be sorted by that. What is
        # counted now may have been worked into the state before a crash, but not into the list.
        if counted or old is None or state["first_at"] != old["first_at"]:
            self._tally[partition].note(state["first_at"], task_id)
        flying = self._in_flight[partition]
        if state["outcome"] == tasks.IN_FLIGHT:
            flying.setdefault(task_id, state["first_at"])
        else:
            flying.pop(task_id, None)

    def _state(self, partition: int, task_id: str) -> tasks.State | None:
        if held := self._dirty.get((partition, task_id)):
            return held
        found: tasks.State | None = self._tasks.look(task_id, partition)
        return found

    def _apply_lag(self, partition: int, event: FeedEvent) -> None:
        data = dict(event.data)
        key = f"{data.get('role')}"
        old = self._changed_hops.get((partition, key)) or self._hops.look(key, partition) or {}
        at, history = round(_seconds(event.at), 1), list(old.get("history", []))
        if not history or at - history[-1][0] >= HISTORY_SPACING or at < history[-1][0]:
            history = [p for p in history if at - HISTORY_KEPT <= p[0] < at]
            history.append([at, data.get("lag")])
        self._changed_hops[partition, key] = {**data, "history": history}

    def _apply_word(self, partition: int, event: FeedEvent) -> None:
        data = dict(event.data)
        name = "governor" if event.kind == "decision" else f"{data['role']}@{data['worker']}"
        word = {"name": name, "kind": event.kind, "at": event.at, **data}
        self._words[name] = word
        self._changed_states[partition, name] = word

    # -- writing

    def changes(self) -> list[Change]:
        """Return what has changed since the last call, to be given to `write`."""
        found: list[Change] = []
        for (partition, task_id), state in self._dirty.items():
            found.append((self._tasks, partition, task_id, state))
            flies = self._in_flight[partition].get(task_id)
            entry = {"id": task_id, "p": partition, "at": flies} if flies else None
            found.append((self._flying, partition, task_id, entry))
        for partition in self._touched:
            found.append(
                (self._tallies, partition, str(partition), self._tally[partition].stored())
            )
        for (partition, key), value in self._changed_hops.items():
            found.append((self._hops, partition, key, value))
        for (partition, key), value in self._changed_states.items():
            found.append((self._states, partition, key, value))
        for held in (self._dirty, self._changed_hops, self._changed_states, self._touched):
            held.clear()
        return found

    def write(self, changes: Iterable[Change]) -> list[asyncio.Future[Any]]:
        """Write changes down; the futures are done when the broker has them."""
        writes = []
        for table, partition, key, value in changes:
            if partition not in self._tally:
                continue  # moved away: its new owner works the events in again
            try:
                if value is not None:
                    writes.append(table.put(key, value, partition))
                elif table.look(key, partition) is not None:
                    writes.append(table.drop(key, partition))
            except TooLargeError as exc:
                # lines may come from any program; what was known before stays
                logger.warning("%s of %s: %s", table.name, key, exc)
        return writes

    # -- reading

    def task(self, task_id: str) -> tasks.State | None:
        """Return what is known of a task."""
        for (_, held), state in self._dirty.items():
            if held == task_id:
                return state
        states = (self._tasks.look(task_id, partition) for partition in self._tally)
        return next((state for state in states if state is not None), None)

    def recent(self, limit: int, before: str = "") -> list[tasks.State]:
        """Return the newest tasks, newest first, from before a cursor of `cursor_of`."""
        newest = sorted((r for t in self._tally.values() for r in t.recent), reverse=True)
        wanted = [r for r in newest if not before or f"{r[0]}~{r[1]}" < before][:limit]
        return [state for _, task_id in wanted if (state := self.task(task_id))]

    def counts(self) -> Counter[str]:
        """Return all counts, summed over the partitions."""
        return sum((tally.counts for tally in self._tally.values()), Counter())

    def in_flight(self) -> dict[str, str]:
        """Return the tasks that have not ended, with when each was first seen."""
        return {i: at for tasks_ in self._in_flight.values() for i, at in tasks_.items()}

    def hops(self) -> dict[str, dict[str, Any]]:
        """Return the last sample of every hop by role, with its history."""
        return {value["role"]: value for value in list(self._hops.values())}

    def word(self, name: str) -> dict[str, Any] | None:
        """Return the last record under a name: ``governor``, or ``role@worker`` of a stage."""
        return self._words.get(name)

    def stages(self) -> list[dict[str, Any]]:
        """Return the last report of every stage of every worker."""
        return [word for word in self._words.values() if word["kind"] == "stage"]

    def tokens_per_minute(self) -> int:
        """Return the tokens that the models wrote within the last minute."""
        while self._tokens and self._tokens[0][0] < time.monotonic() - MINUTE:
            self._tokens.popleft()
        return sum(tokens for _, tokens in self._tokens)


def _seconds(at: str) -> float:
    return seconds_of(at)


def cursor_of(state: tasks.State) -> str:
    """Return the cursor that continues a list of tasks after this one."""
    return f"{state['first_at']}~{state['task_id']}"
