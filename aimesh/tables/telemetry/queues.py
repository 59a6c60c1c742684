"""Queues: their messages by type, their pending tasks by priority, their tasks that ended."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from aimesh.core.telemetry import PRIORITIES
from aimesh.tables.telemetry.posting import Posting
from aimesh.tables.telemetry.rows import Roll, Store

PAGE = 32


class Group:
    """The messages of one type in one queue: their numbers, and their bodies."""

    __slots__ = ("bodies", "kind", "number", "numbers", "queue")

    def __init__(self, number: int, queue: Queue, kind: str, store: Store) -> None:
        self.number = number
        self.queue = queue
        self.kind = kind
        self.numbers = Posting()
        self.bodies = Roll(store, str(number), PAGE)


class Queue:
    """One queue: its groups by type, its pending tasks by priority, its tasks that ended."""

    __slots__ = ("ended", "ended_count", "groups", "name", "pending")

    def __init__(self, name: str) -> None:
        self.name = name
        self.groups: dict[str, Group] = {}
        self.pending = tuple(Posting() for _ in PRIORITIES)
        #: The messages that ended a task of this queue.
        self.ended = Posting()
        self.ended_count = 0

    @property
    def total(self) -> int:
        """How many messages it ever had."""
        return sum(group.bodies.next for group in self.groups.values())

    @property
    def kept(self) -> int:
        """How many messages are kept."""
        return sum(len(group.numbers) for group in self.groups.values())

    @property
    def waiting(self) -> int:
        """How many of its tasks are pending."""
        return sum(map(len, self.pending))

    def newest(self, kind: str = "", before: int | None = None) -> Iterator[int]:
        """Iterate over its messages, newest first, from below a number."""
        groups = [self.groups[kind]] if kind in self.groups else []
        groups = groups if kind else list(self.groups.values())
        return heapq.merge(*(group.numbers.newest(before) for group in groups), reverse=True)

    def most_urgent(self, after: tuple[int, int] | None = None) -> Iterator[int]:
        """Iterate over its pending tasks, the most urgent first, then the oldest.

        Arguments:
            after: priority and number of the task to go on after.
        """
        for priority in reversed(range(len(PRIORITIES))):
            if after is None or priority < after[0]:
                yield from self.pending[priority].oldest()
            elif priority == after[0]:
                yield from self.pending[priority].oldest(after[1] + 1)
