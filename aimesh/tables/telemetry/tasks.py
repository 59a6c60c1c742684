"""Tasks: which are pending, and how the others ended; exact whatever comes first or twice.

A task is pending until a result or an error names it as its parent, it is cancelled, or its time
has run out. A result that comes after an error still counts, and whatever comes after its time:
so the state does not depend on when somebody looked at the clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from aimesh.tables.telemetry.columns import Columns
from aimesh.tables.telemetry.expiries import Expiries
from aimesh.tables.telemetry.posting import Posting
from aimesh.tables.telemetry.queues import Group, Queue
from aimesh.tables.telemetry.traces import CANCELLED, COMPLETED, FAILED, RUNNING, Trace, Traces

# how far a task is; the high half of the column holds its priority
PENDING, DONE, BROKEN, GIVEN_UP, EXPIRED, REPEATED = 1, 2, 3, 4, 5, 6
ENDS = {"result": DONE, "error": BROKEN, "cancel": GIVEN_UP}
_STATUS = {
    PENDING: RUNNING,
    DONE: COMPLETED,
    BROKEN: FAILED,
    GIVEN_UP: CANCELLED,
    EXPIRED: FAILED,
}
OUTCOMES = {
    PENDING: "pending",
    DONE: "done",
    BROKEN: "failed",
    GIVEN_UP: "cancelled",
    EXPIRED: "expired",
}


class Tasks:
    """The tasks among the messages.

    Arguments:
        columns: of the messages.
        groups: of the messages, by their numbers.
        traces: are settled when a task of theirs ends.
    """

    def __init__(self, columns: Columns, groups: Sequence[Group], traces: Traces) -> None:
        self._columns = columns
        self._groups = groups
        self._traces = traces
        # by hashed id: tasks, and messages that ended tasks which were not seen yet
        self._tasks: dict[int, int] = {}
        self._early: dict[int, int] = {}
        self._early_ends: dict[int, float] = {}
        self._expiries = Expiries()
        #: The messages that ended a task, and how many ended tasks are kept.
        self.ended = Posting()
        self.ended_count = 0
        self.waiting = 0

    # -- in

    def known_end(self, name: str) -> tuple[int, float]:
        """Return how a task that is new has ended already, and when; 0 where it has not."""
        key = hash(name)
        if key in self._tasks:
            return REPEATED, 0.0
        if (early := self._early.get(key)) is None:
            return 0, 0.0
        return ENDS[self._group_of(early).kind], self.time_of(early)

    def begin(
        self,
        number: int,
        name: str,
        *,
        queue: Queue,
        priority: int,
        expires: float,
        known_end: tuple[int, float],
        trace: Trace | None,
    ) -> None:
        """Take in a task.

        Arguments:
            number: its message.
            name: its id.
            queue: where it is.
            priority: the number of its priority.
            expires: the Unix time at which it runs out, 0 for never.
            known_end: what `known_end` said when it was new.
            trace: what it belongs to.
        """
        end, ended_at = known_end
        key = hash(name)
        block, i = self._columns.at(number)
        block.key[i] = key
        block.state[i] = (end or PENDING) | priority << 4
        if end == REPEATED:
            return
        self._tasks[key] = number
        if trace is not None and trace.root < 0:
            trace.root = number
        if end:
            self._early_ends[number] = ended_at
            self._note_end(queue, number)
            return
        queue.pending[priority].append(number)
        self.waiting += 1
        if trace is not None:
            trace.open += 1
        if expires:
            self._expiries.add(expires, number)

    def answer(self, number: int, kind: str, parent: str) -> None:
        """Take in a message that ends the task whose id is ``parent``."""
        block, i = self._columns.at(number)
        block.key[i] = key = hash(parent)
        task = self._tasks.get(key)
        if task is None:
            self._early.setdefault(key, number)
        else:
            self._end(task, ENDS[kind], number)

    def _end(self, task: int, end: int, answer: int) -> None:
        block, i = self._columns.at(task)
        state = block.state[i] & 15
        if state == PENDING:
            self._no_longer_pending(task)
        elif state != EXPIRED and not (state == BROKEN and end == DONE):
            return
        if state != BROKEN:
            self._note_end(self._groups[block.group[i]].queue, answer)
        self._early_ends.pop(task, None)
        block.state[i] = end | block.state[i] & 0xF0
        block.answer[i] = answer + 1
        self._settle_numbered(block.trace[i])

    def _note_end(self, queue: Queue, by: int) -> None:
        queue.ended.append(by)
        self.ended.append(by)
        queue.ended_count += 1
        self.ended_count += 1

    def _no_longer_pending(self, task: int) -> None:
        block, i = self._columns.at(task)
        queue = self._groups[block.group[i]].queue
        queue.pending[block.state[i] >> 4].remove(task)
        self.waiting -= 1
        if (trace := self._traces.numbered(block.trace[i])) is not None:
            trace.open -= 1

    def expire(self, now: float, low: int) -> None:
        """Let tasks run out whose time has come; messages before ``low`` are gone."""
        for task in self._expiries.due(now):
            if task < low:
                continue
            block, i = self._columns.at(task)
            if block.state[i] & 15 == PENDING:
                self._no_longer_pending(task)
                block.state[i] = EXPIRED | block.state[i] & 0xF0
                self._settle_numbered(block.trace[i])

    # -- out

    def forget(self, number: int) -> None:
        """Drop a message."""
        block, i = self._columns.at(number)
        queue = self._groups[block.group[i]].queue
        state, key = block.state[i] & 15, block.key[i]
        if state:
            if state == PENDING:
                self._no_longer_pending(number)
            elif state in (DONE, BROKEN, GIVEN_UP):
                queue.ended_count -= 1
                self.ended_count -= 1
                self._early_ends.pop(number, None)
            if self._tasks.get(key) == number:
                del self._tasks[key]
        elif key and self._early.get(key) == number:
            del self._early[key]
        queue.ended.drop_before(number + 1)
        self.ended.drop_before(number + 1)

    # -- traces

    def settle(self, trace: Trace) -> None:
        """Work out how a trace is: as its root is, or as its last message says."""
        if trace.root < 0:
            status = FAILED if self._group_of(trace.last).kind == "error" else COMPLETED
            took = trace.last_at - trace.started
        else:
            block, i = self._columns.at(trace.root)
            status = _STATUS[block.state[i] & 15]
            ended_at = self.ended_at(trace.root)
            took = (trace.last_at if ended_at is None else ended_at) - block.at[i]
        self._traces.settle(trace, status, max(0, round(took * 1000)))

    def _settle_numbered(self, number: int) -> None:
        if (trace := self._traces.numbered(number)) is not None:
            self.settle(trace)

    # -- reading

    def _group_of(self, number: int) -> Group:
        block, i = self._columns.at(number)
        return self._groups[block.group[i]]

    def time_of(self, number: int) -> float:
        """Return a message's time."""
        block, i = self._columns.at(number)
        return block.at[i]

    def ended_at(self, task: int) -> float | None:
        """Return when a task was answered, None where it was not."""
        block, i = self._columns.at(task)
        if answer := block.answer[i]:
            return self.time_of(answer - 1)
        return self._early_ends.get(task)

    def outcome(self, task: int) -> str:
        """Return how a task stands: pending, done, failed, cancelled or expired."""
        block, i = self._columns.at(task)
        return OUTCOMES.get(block.state[i] & 15, "")

    def answer_to(self, task: int) -> int | None:
        """Return the message that answered a task, None where there is none."""
        block, i = self._columns.at(task)
        return block.answer[i] - 1 if block.answer[i] else None

    def ended_by(self, number: int) -> int | None:
        """Return the task that a message of ``ended`` has ended, None where it is gone."""
        block, i = self._columns.at(number)
        return self._tasks.get(block.key[i])

    def priority_of(self, task: int) -> int:
        """Return the number of a task's priority."""
        block, i = self._columns.at(task)
        return block.state[i] >> 4
