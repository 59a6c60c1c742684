"""The traces that are known: summaries in memory, listed newest first, found by what callers ask.

A trace is whole or absent: it goes with the first of its messages, or when there are too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from aimesh.tables.telemetry.posting import Posting
from aimesh.tables.telemetry.slowest import Slowest

RUNNING, COMPLETED, FAILED, CANCELLED = "running", "completed", "failed", "cancelled"
STATUSES = (RUNNING, COMPLETED, FAILED, CANCELLED)


class Trace:
    """One trace. Times are Unix seconds, durations milliseconds.

    ``number`` is the place of its beginning in the order of everything. A trace of messages has
    the numbers of its ``first`` and ``last`` message, and of its ``root``: the task that began it.
    One of the mesh has a ``task_id`` instead.
    """

    __slots__ = (
        "calls",
        "duration",
        "first",
        "last",
        "last_at",
        "messages",
        "number",
        "open",
        "root",
        "session",
        "started",
        "status",
        "task_id",
        "tokens",
        "trace_id",
        "user",
    )

    def __init__(self, number: int, trace_id: str, started: float) -> None:
        self.number = number
        self.trace_id = trace_id
        self.started = started
        self.last_at = started
        self.first = self.last = self.root = -1
        self.messages = self.open = self.tokens = self.calls = self.duration = 0
        self.status = ""
        self.session = self.user = self.task_id = ""


class Traces:
    """All traces, bounded by how many are kept.

    Arguments:
        keep: how many traces there may be.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        #: Traces that began up to here were dropped.
        self.low = 0
        self.dropped = 0
        self._numbers: dict[int, Trace] = {}
        self._messages: dict[str, Trace] = {}
        self._tasks: dict[str, Trace] = {}
        self._order = Posting()
        self._by_status = {status: Posting() for status in STATUSES}
        self._slowest = Slowest()
        self._by_session: dict[str, Posting] = {}
        self._by_user: dict[str, Posting] = {}
        #: Milliseconds that the completed traces took, all together.
        self.duration = 0
        #: Tokens and model calls of all traces, and stages at work on tasks of the mesh.
        self.tokens = self.calls = self.stages = 0

    def __len__(self) -> int:
        return len(self._numbers)

    # -- growing and shrinking

    def start(self, number: int, trace_id: str, started: float, task_id: str = "") -> Trace | None:
        """Begin a trace; an older one of the same id goes. None where it was dropped before."""
        if number <= self.low:
            return None
        known = self._tasks if task_id else self._messages
        if (old := known.get(trace_id)) is not None:
            self.drop(old)
        trace = Trace(number, trace_id, started)
        trace.task_id = task_id
        self._numbers[number] = known[trace_id] = trace
        self._order.insert(number)
        return trace

    def overdue(self) -> Trace | None:
        """Return the oldest trace, where there are more than are kept."""
        if len(self._numbers) <= self._keep:
            return None
        oldest = self._order.first()
        assert oldest is not None
        self.low = oldest
        return self._numbers[oldest]

    def drop(self, trace: Trace) -> None:
        """Drop a trace."""
        self.settle(trace, "", 0)
        self.use(trace, -trace.tokens, -trace.calls)
        self.work(trace, 0)
        self._order.remove(trace.number)
        del self._numbers[trace.number]
        known = self._tasks if trace.task_id else self._messages
        del known[trace.trace_id]
        for index, name in ((self._by_session, trace.session), (self._by_user, trace.user)):
            if name and (posting := index.get(name)) is not None:
                posting.remove(trace.number)
                if not len(posting):
                    del index[name]
        self.dropped += 1

    def rename(self, trace: Trace, trace_id: str) -> None:
        """Let a task's trace have another id, which no other has."""
        del self._tasks[trace.trace_id]
        self._tasks[trace_id] = trace
        trace.trace_id = trace_id

    def begin_at(self, trace: Trace, at: float) -> None:
        """Let a trace have begun at a Unix time, where that is earlier than what was known."""
        if at >= trace.started:
            return
        if trace.status == RUNNING:
            self._slowest.go_on(trace.number, trace.started)
            self._slowest.begin(trace.number, at)
        trace.started = at

    def settle(self, trace: Trace, status: str, duration: int) -> None:
        """Let a trace have a status, and the milliseconds that it took."""
        if trace.status == status and trace.duration == duration:
            return
        self._time(trace, status, duration)
        if trace.status == COMPLETED:
            self.duration -= trace.duration
        if trace.status != status:
            if trace.status:
                self._by_status[trace.status].remove(trace.number)
            if status:
                self._by_status[status].insert(trace.number)
            trace.status = status
        trace.duration = duration
        if status == COMPLETED:
            self.duration += duration

    def _time(self, trace: Trace, status: str, duration: int) -> None:
        """Keep up which are the slowest; while a trace goes on nothing changes."""
        slowest, number = self._slowest, trace.number
        if trace.status == status == RUNNING:
            return
        if trace.status == RUNNING:
            slowest.go_on(number, trace.started)
        elif trace.status:
            slowest.reopen(number, trace.duration)
        if status == RUNNING:
            slowest.begin(number, trace.started)
        elif status:
            slowest.end(number, duration)

    def use(self, trace: Trace, tokens: int, calls: int) -> None:
        """Add tokens and model calls to a trace."""
        trace.tokens += tokens
        trace.calls += calls
        self.tokens += tokens
        self.calls += calls

    def work(self, trace: Trace, stages: int) -> None:
        """Let so many stages be at work on a task of the mesh."""
        if trace.task_id:
            self.stages += stages - trace.open
            trace.open = stages

    def name(self, trace: Trace, session: str, user: str) -> None:
        """Note whose trace it is; the first to say so counts."""
        if session and not trace.session:
            trace.session = session
            self._by_session.setdefault(session, Posting()).insert(trace.number)
        if user and not trace.user:
            trace.user = user
            self._by_user.setdefault(user, Posting()).insert(trace.number)

    # -- reading

    def of_messages(self, trace_id: str) -> Trace | None:
        """Return the trace of agents' messages with an id."""
        return self._messages.get(trace_id)

    def of_task(self, trace_id: str) -> Trace | None:
        """Return the trace of a task of the mesh with an id."""
        return self._tasks.get(trace_id)

    def numbered(self, number: int) -> Trace | None:
        """Return the trace with a number."""
        return self._numbers.get(number)

    def counts(self) -> Counter[str]:
        """Return how many traces have each status."""
        return Counter({status: len(self._by_status[status]) for status in STATUSES})

    def slowest(
        self, least: float, limit: int, now: float
    ) -> tuple[int, list[tuple[float, Trace]]]:
        """Return how many traces took that long, and the slowest of them with how long.

        Arguments:
            least: milliseconds that a trace must have taken, or go on for.
            limit: how many are returned.
            now: a Unix time, for those that go on.
        """

        def took(number: int) -> float:
            trace = self._numbers[number]
            return (now - trace.started) * 1000 if trace.status == RUNNING else trace.duration

        found = [
            (ms, self._numbers[number])
            for ms, number in self._slowest.find(limit, took)
            if ms >= least
        ]
        return self._slowest.count(least, now, took), found

    def newest(
        self, *, status: str = "", session: str = "", user: str = "", before: int | None = None
    ) -> Iterator[Trace]:
        """Iterate over traces, newest first, from below a number."""
        if status or session or user:
            return self._fitting(status, session, user, before)
        return map(self._numbers.__getitem__, self._order.newest(before))

    def _fitting(self, status: str, session: str, user: str, before: int | None) -> Iterator[Trace]:
        empty = Posting()
        postings = [self._order]
        if status:
            postings.append(self._by_status[status])
        if session:
            postings.append(self._by_session.get(session, empty))
        if user:
            postings.append(self._by_user.get(user, empty))
        for number in min(postings, key=len).newest(before):
            trace = self._numbers[number]
            if (
                (not status or trace.status == status)
                and (not session or trace.session == session)
                and (not user or trace.user == user)
            ):
                yield trace
