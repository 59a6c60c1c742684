"""Which task comes next when the model is asked to think of one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from aimesh.embedded.rehearsal.catalogue import Entry

NEAR_EVERY = 12
_LONGEST_LEAP = 64
_REWORDINGS = ("Please write a Python function", "Implement a Python function", "Write a function")


class TaskSequence:
    """Proposes tasks in an order that depends on the seed alone, but never a known one.

    After a restart the first proposals come back as known. Every proposal that does makes the
    next leap twice as far, so new tasks are found in a few steps.

    Arguments:
        parts: the tasks; those of an earlier part are proposed before those of a later one.
        find: looks a task up by its text.
        seed: makes the order.
    """

    def __init__(
        self,
        parts: Iterable[Sequence[Entry]],
        find: Callable[[str], Entry | None],
        seed: int,
    ) -> None:
        rng = random.Random(seed)
        self._order = [entry for part in parts for entry in rng.sample(part, len(part))]
        self._places = {entry.name: place for place, entry in enumerate(self._order)}
        self._find = find
        self._used: set[str] = set()
        self._proposed: list[Entry] = []
        self._latest = ""
        self._next = 0
        self._leap = 1
        self._asked = 0

    def propose(self, known: Iterable[str]) -> str:
        """The text of the next task; now and then a near repetition of an earlier one.

        Arguments:
            known: texts of tasks that must not be proposed.
        """
        self._asked += 1
        avoided = {entry.name for text in known if (entry := self._find(text))}
        self._learn(avoided)
        earlier = [entry for entry in self._proposed if entry.name not in avoided]
        if self._asked % NEAR_EVERY == 0 and earlier:
            self._latest = ""
            return reworded(earlier[len(earlier) // 2], self._asked)
        entry = self._fresh(avoided)
        self._used.add(entry.name)
        self._proposed.append(entry)
        self._latest = entry.name
        self._next = self._places[entry.name] + 1
        return entry.statement

    def _learn(self, avoided: set[str]) -> None:
        """Take from the known tasks how far an earlier run of the model has come."""
        foreign = avoided - self._used
        self._used |= avoided
        if self._latest in avoided:
            self._leap = min(self._leap * 2, _LONGEST_LEAP)
            self._next += self._leap - 1
        else:
            self._leap = 1
        for name in foreign:
            self._next = max(self._next, self._places[name] + 1)

    def _fresh(self, avoided: set[str]) -> Entry:
        """The next unused task; when all are used, the next one that is not to be avoided."""
        size = len(self._order)
        ring = [self._order[(self._next + step) % size] for step in range(size)]
        unused = [entry for entry in ring if entry.name not in self._used]
        if not unused:
            self._used = set(avoided)
        free = unused or [entry for entry in ring if entry.name not in avoided]
        return (free or ring)[0]


def reworded(entry: Entry, number: int) -> str:
    """The same task in slightly other words."""
    wording = _REWORDINGS[number // NEAR_EVERY % len(_REWORDINGS)]
    return entry.statement.replace("Write a Python function", wording, 1)
