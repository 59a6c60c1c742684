"""Traces of the mesh's own tasks: everything that is known of a task, in one row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from aimesh.core.mesh_events import ENDS, STARTS, STEPS, Event, default_trace
from aimesh.core.moments import seconds_of
from aimesh.tables.telemetry.order import Order
from aimesh.tables.telemetry.rows import Store, packed
from aimesh.tables.telemetry.traces import COMPLETED, FAILED, RUNNING, Trace, Traces

MOST_EVENTS = 400
# a job that is tried again and again has so many steps at most, and room for what comes of it
MOST_WITH_STEPS = 250
# events of the mesh that a stream can go back to
MOST_ORDERED = 100_000
# ends of stages that are listed
MOST_ENDED = 10_000
HELD = 200


class MeshTraces:
    """The tasks of the mesh as traces.

    Arguments:
        store: where their rows are.
        traces: where they are listed.
    """

    def __init__(self, store: Store, traces: Traces) -> None:
        self._store = store
        self._traces = traces
        self._by_task: dict[str, Trace] = {}
        # events by trace: those that changed, those being written, and those looked at last
        self._changed: dict[int, list[Event]] = {}
        self._writing: dict[int, list[Event]] = {}
        self._held: OrderedDict[int, list[Event]] = OrderedDict()
        # the newest events, and the newest ends of stages by agent, each with its trace's number
        self._order = Order(MOST_ORDERED)
        self._ended: dict[str, Order] = {}
        self._dropped_to = 0
        self.gone: list[str] = []

    # -- in and out

    def take(self, ordinal: int, event: Event) -> None:
        """Take in something that happened to a task."""
        task_id = event["task_id"]
        trace = self._by_task.get(task_id)
        if trace is None:
            trace_id = self._free_id(task_id, event["trace_id"])
            trace = self._traces.start(ordinal, trace_id, seconds_of(event["at"]), task_id)
            if trace is None:
                return
            self._by_task[task_id] = trace
            self._changed[trace.number] = []
        events = self.events(trace)
        most = MOST_WITH_STEPS if event["kind"] in STEPS else MOST_EVENTS
        if len(events) >= most or (events and events[-1]["n"] >= ordinal):
            return
        if event["trace_id"] and trace.trace_id == default_trace(task_id):
            self._traces.rename(trace, self._free_id(task_id, event["trace_id"]))
        events.append({"n": ordinal, **event})
        self._changed[trace.number] = events
        self._apply(trace, event, events)
        self._note(ordinal, trace.number, event)

    def _free_id(self, task_id: str, trace_id: str) -> str:
        """Return the id for a task's trace: that of the header, where no other task has it."""
        taken = self._traces.of_task(trace_id) if trace_id else None
        return trace_id if trace_id and taken is None else default_trace(task_id)

    def _apply(self, trace: Trace, event: Event, events: list[Event]) -> None:
        kind, data = event["kind"], event["data"]
        at = seconds_of(event["at"])
        trace.messages += 1
        self._traces.begin_at(trace, at)
        trace.last_at = max(trace.last_at, at)
        if kind in ("solution", "review"):
            tokens = (data.get("input_tokens") or 0) + (data.get("output_tokens") or 0)
            self._traces.use(trace, tokens, 1)
        status = trace.status or RUNNING
        if kind == "review":
            status = COMPLETED if data.get("success") else FAILED
            trace.root = 1  # a review outweighs a dead letter
        elif kind == "dead_letter" and trace.root < 0:
            status = FAILED
        if kind in STARTS or kind in ENDS:
            self._traces.work(trace, open_stages(events))
        self._traces.settle(trace, status, round((trace.last_at - trace.started) * 1000))

    def _note(self, ordinal: int, number: int, event: Event) -> None:
        self._order.append(ordinal, number)
        if event["kind"] == "done":
            for agent in ("", event.get("agent", "")):
                if agent not in self._ended:
                    self._ended[agent] = Order(MOST_ENDED)
                self._ended[agent].append(ordinal, number)

    @property
    def dropped_to(self) -> int:
        """The highest place in the order of everything that was dropped."""
        return max(self._dropped_to, self._order.dropped_to)

    def forget(self, trace: Trace) -> None:
        """Drop what is known of a task whose trace is dropped."""
        self._dropped_to = max(self._dropped_to, self.events(trace)[-1]["n"])
        del self._by_task[trace.task_id]
        self._changed.pop(trace.number, None)
        self._held.pop(trace.number, None)
        self.gone.append(str(trace.number))

    # -- reading

    def events(self, trace: Trace) -> list[Event]:
        """Return what happened to a task, in the order of arrival."""
        for held in (self._changed, self._writing):
            if (events := held.get(trace.number)) is not None:
                return events
        if (events := self._held.get(trace.number)) is not None:
            self._held.move_to_end(trace.number)
            return events
        value = self._store.read(str(trace.number))
        events = orjson.loads(value)["events"] if value else []
        self._held[trace.number] = events
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        return events

    def of_task(self, task_id: str) -> Trace | None:
        """Return the trace of a task."""
        return self._by_task.get(task_id)

    def after(self, ordinal: int) -> Iterator[tuple[int, Event, Trace]]:
        """Iterate over what happened after a place in the order of everything."""
        return self._found(self._order.after(ordinal))

    def ended(
        self, agent: str = "", before: int | None = None
    ) -> Iterator[tuple[int, Event, Trace]]:
        """Iterate over the ends of stages, newest first; those of all agents where none is."""
        order = self._ended.get(agent)
        return self._found(order.newest(before) if order else iter(()))

    def ended_count(self, agent: str = "") -> int:
        """Return how many ends of stages are kept."""
        return len(self._ended.get(agent, ()))

    def _found(self, places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, Event, Trace]]:
        for ordinal, number in places:
            trace = self._traces.numbered(number)
            for event in self.events(trace) if trace is not None else ():
                if trace is not None and event["n"] == ordinal:
                    yield ordinal, event, trace

    # -- keeping

    def take_changes(self) -> Iterator[tuple[str, bytes]]:
        """Return the rows that have changed; tell `written` afterwards."""
        self._writing, self._changed = self._changed, {}
        for number in self._writing:
            self._held.pop(number, None)
        for number, events in self._writing.items():
            if (trace := self._traces.numbered(number)) is not None:
                row = {"task_id": trace.task_id, "trace_id": trace.trace_id, "events": events}
                yield str(number), packed(row)

    def written(self) -> None:
        """Note that what `take_changes` returned can be read from the store."""
        self._writing = {}

    def stored(self) -> dict[str, Any]:
        """Return what must be known to read the table again."""
        return {"dropped_to": self.dropped_to}

    def restore(self, data: Mapping[str, Any], end: int) -> Iterator[None]:
        """Read all rows anew, in steps; what is at or after ``end`` comes once more."""
        self._dropped_to = data.get("dropped_to", 0)
        order: list[tuple[int, int, Event]] = []
        for some in self._store.items():
            for key, value in some:
                self._restore_one(int(key), orjson.loads(value), end, order)
            yield
        order.sort(key=lambda one: one[0])
        for ordinal, number, event in order:
            self._note(ordinal, number, event)

    def _restore_one(
        self, number: int, row: Mapping[str, Any], end: int, order: list[tuple[int, int, Event]]
    ) -> None:
        events = [event for event in row["events"] if event["n"] < end]
        trace = None
        if events:
            first = seconds_of(events[0]["at"])
            trace = self._traces.start(number, row["trace_id"], first, row["task_id"])
        if trace is None:
            self.gone.append(str(number))
            return
        self._by_task[trace.task_id] = trace
        for count, event in enumerate(events, 1):
            self._apply(trace, event, events[:count])
            order.append((event["n"], trace.number, event))
        if len(events) < len(row["events"]):
            self._changed[number] = events


def open_stages(events: list[Event]) -> int:
    """Return how many stages are at work on a task."""
    running: set[tuple[str, int]] = set()
    for event in events:
        stage = (event.get("agent", ""), event["attempt"])
        if event["kind"] in STARTS:
            running.add(stage)
        elif event["kind"] in ENDS:
            running.discard(stage)
    return len(running)
