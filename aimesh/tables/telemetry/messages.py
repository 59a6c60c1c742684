"""Messages: the rows of every queue, and what is known of them without reading any.

A message is two rows: its body in the pages of its group (a queue and a type), so that a list is
read in one go; and a short line in the ledger, in the order of arrival. Everything in memory is
worked out from the ledger's lines, by the same code when they are new and after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from aimesh.tables.telemetry.columns import Columns
from aimesh.tables.telemetry.message_lines import Line, line_of
from aimesh.tables.telemetry.queues import Group, Queue
from aimesh.tables.telemetry.rows import Roll, Store, packed
from aimesh.tables.telemetry.tasks import Tasks
from aimesh.tables.telemetry.traces import Trace, Traces

LEDGER_PAGE = 256


class Messages:
    """All messages, bounded by how many are kept.

    Arguments:
        bodies: the store of the messages' bodies.
        ledger: the store of the ledger's lines.
        traces: is told of every message that belongs to a trace.
        keep: how many messages there may be.
    """

    def __init__(self, bodies: Store, ledger: Store, traces: Traces, keep: int) -> None:
        self._bodies = bodies
        self.ledger = Roll(ledger, "l", LEDGER_PAGE)
        self._traces = traces
        self._keep = keep
        self.groups: list[Group] = []
        self.queues: dict[str, Queue] = {}
        self._columns = Columns()
        self.tasks = Tasks(self._columns, self.groups, traces)
        #: The highest place in the order of everything that was dropped.
        self.dropped_to = 0
        #: Keys of pages that are no longer needed: of bodies, and of the ledger.
        self.gone: list[str] = []
        self.gone_lines: list[str] = []

    # -- in

    def take(self, ordinal: int, queue: str, record: Mapping[str, Any], body: bytes) -> int:
        """Take in a new message; return its number.

        Arguments:
            ordinal: its place in the order of everything.
            queue: the name of the queue that it is in.
            record: an `AgentMessage` with all its fields.
            body: what is kept of it to be shown.
        """
        kind, trace_id = record["message_type"], record["trace_id"] or ""
        group = self._group(queue, kind)
        known_end = self.tasks.known_end(record["message_id"]) if kind == "task" else (0, 0.0)
        begins = bool(trace_id) and self._traces.of_messages(trace_id) is None
        line = line_of(ordinal, group.number, record, known_end, begins)
        number = self.ledger.append(packed([*line]))
        group.bodies.append(body)
        self._index(number, line)
        while self.ledger.next - self.ledger.low > self._keep:
            self._drop(self.ledger.low)
        return number

    def _group(self, queue: str, kind: str) -> Group:
        known = self.queues.get(queue)
        if known is None:
            known = self.queues[queue] = Queue(queue)
        group = known.groups.get(kind)
        if group is None:
            group = known.groups[kind] = Group(len(self.groups), known, kind, self._bodies)
            self.groups.append(group)
        return group

    def _index(self, number: int, line: Line) -> None:
        """Work a line of the ledger into what is in memory."""
        group = self.groups[line.group]
        block, i = self._columns.at(number)
        block.ordinal[i], block.group[i], block.at[i] = line.ordinal, line.group, line.at
        group.numbers.append(number)
        trace = self._joined(number, line) if line.trace_id else None
        if group.kind == "task":
            self.tasks.begin(
                number,
                line.name,
                queue=group.queue,
                priority=line.priority,
                expires=line.expires,
                known_end=(line.end, line.ended_at),
                trace=trace,
            )
        elif line.ends:
            self.tasks.answer(number, group.kind, line.ends)
        if trace is not None:
            self.tasks.settle(trace)

    def _joined(self, number: int, line: Line) -> Trace | None:
        """Put a message into its trace; None where the trace was dropped."""
        traces = self._traces
        if line.begins:
            trace = traces.start(line.ordinal, line.trace_id, line.at)
        else:
            trace = traces.of_messages(line.trace_id)
        if trace is None:
            return None
        block, i = self._columns.at(number)
        block.trace[i] = trace.number
        if trace.last < 0:
            trace.first = number
        else:
            before, j = self._columns.at(trace.last)
            before.chain[j] = number + 1
        trace.last = number
        trace.messages += 1
        trace.last_at = max(trace.last_at, line.at)
        traces.use(trace, line.tokens, line.calls)
        if line.session or line.user:
            traces.name(trace, line.session, line.user)
        return trace

    def expire(self, now: float) -> None:
        """Let tasks run out whose time has come."""
        self.tasks.expire(now, self.ledger.low)

    # -- out

    def _drop(self, number: int) -> None:
        block, i = self._columns.at(number)
        group = self.groups[block.group[i]]
        self.tasks.forget(number)
        trace = self._traces.numbered(block.trace[i])
        if trace is not None and trace.first == number:
            self._traces.drop(trace)
        self.dropped_to = max(self.dropped_to, block.ordinal[i])
        group.numbers.drop_first()
        self.gone += group.bodies.drop_before(group.numbers.dropped)
        self.gone_lines += self.ledger.drop_before(number + 1)
        self._columns.drop_before(number + 1)

    # -- reading

    def group_of(self, number: int) -> Group:
        """Return the group that a message is in."""
        block, i = self._columns.at(number)
        return self.groups[block.group[i]]

    def ordinal_of(self, number: int) -> int:
        """Return a message's place in the order of everything."""
        block, i = self._columns.at(number)
        return block.ordinal[i]

    def trace_number_of(self, number: int) -> int:
        """Return the number of the trace that a message belongs to, 0 for none."""
        block, i = self._columns.at(number)
        return block.trace[i]

    def bodies(self, numbers: Iterable[int]) -> list[bytes]:
        """Return the bodies of messages, in the order of their numbers as given."""
        found: list[bytes] = []
        for number in numbers:
            if self.ledger.low <= number < self.ledger.next:
                group = self.group_of(number)
                found += group.bodies.rows((group.numbers.place_of(number),))
        return found

    def of_trace(self, trace: Trace, start: int = 0) -> Iterator[int]:
        """Iterate over the messages of a trace in the order of arrival, from a number on."""
        number = trace.first
        while number >= 0:
            if number >= start:
                yield number
            block, i = self._columns.at(number)
            number = block.chain[i] - 1

    def from_ordinal(self, ordinal: int) -> int:
        """Return the first message at or after a place in the order of everything."""
        low, high = self.ledger.low, self.ledger.next
        while low < high:
            middle = (low + high) // 2
            if self.ordinal_of(middle) < ordinal:
                low = middle + 1
            else:
                high = middle
        return low

    # -- keeping

    def stored(self) -> dict[str, Any]:
        """Return what must be known to read the tables again."""
        return {
            "low": self.ledger.low,
            "next": self.ledger.next,
            "dropped_to": self.dropped_to,
            "groups": [[g.queue.name, g.kind, g.bodies.next] for g in self.groups],
        }

    def restore(self, data: Mapping[str, Any]) -> Iterator[None]:
        """Work everything out anew from the tables, in steps, so that others may run between."""
        low, end = data.get("low", 0), data.get("next", 0)
        self.dropped_to = data.get("dropped_to", 0)
        totals = [total for *_, total in data.get("groups", ())]
        for queue, kind, _ in data.get("groups", ()):
            self._group(queue, kind)
        self.ledger.restore(low, end)
        self._columns.restore(low)
        for page in range(low // LEDGER_PAGE, -(-end // LEDGER_PAGE)):
            numbers = range(max(low, page * LEDGER_PAGE), min(end, (page + 1) * LEDGER_PAGE))
            lines: list[list[Any]] = orjson.loads(b"[%b]" % b",".join(self.ledger.rows(numbers)))
            for number, line in zip(numbers, lines, strict=True):
                self._index(number, Line(*line))
            yield
        for group, total in zip(self.groups, totals, strict=True):
            group.numbers.dropped = total - len(group.numbers)
            group.bodies.restore(group.numbers.dropped, total)

    def rolls(self) -> Iterator[Roll]:
        """Iterate over everything that has pages."""
        yield self.ledger
        for group in self.groups:
            yield group.bodies
