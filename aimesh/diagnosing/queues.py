"""What the queues of agents tell: who leaves theirs, and who goes on and on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import orjson

from aimesh.core.diagnosis.facts import Agent, Dialogue
from aimesh.core.diagnosis.work import SILENT_AGENT
from aimesh.core.telemetry import queue_topic
from aimesh.diagnosing.times import age_of
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.tables.telemetry.traces import RUNNING, Trace

MOST_TRACES, MOST_DIALOGUES, DIALOGUE = 500, 3, 40
MOST_MESSAGES = 200


class OldestTasks:
    """Where the task is that each agent has pending for longest; each of them is read once.

    They are spread over as many pages of the table as there are agents.
    """

    def __init__(self) -> None:
        # by the agent's key: number, time and place; numbers begin anew where the tables do
        self._known: dict[str, tuple[int, float, str]] = {}

    def place(self, tables: TelemetryTables, agent: str, number: int) -> str:
        """Return a task's topic, partition and offset, empty where nothing tells them.

        Arguments:
            tables: the telemetry's.
            agent: the key of the agent that has it pending.
            number: of its message.
        """
        submitted = tables.messages.tasks.time_of(number)
        known = self._known.get(agent)
        if known is None or known[:2] != (number, submitted):
            bodies = tables.messages.bodies((number,))
            place = str(orjson.loads(bodies[0]).get("ref", "")) if bodies else ""
            known = self._known[agent] = (number, submitted, place)
        return known[2]


def agents(
    tables: TelemetryTables, at: float, prefix: str, oldest_tasks: OldestTasks
) -> Iterator[Agent]:
    """Return every agent with pending tasks, and when it was last heard of."""
    for name, queue in tables.messages.queues.items():
        if not queue.waiting:
            continue
        number = min(n for p in queue.pending if (n := p.first()) is not None)
        oldest = at - tables.messages.tasks.time_of(number)
        known = tables.agents.agents.get(name)
        yield Agent(
            name=known.name if known and known.name else name,
            topic=queue_topic(name, prefix),
            pending=queue.waiting,
            oldest_s=oldest,
            heard_s=age_of(at, known.last_seen if known else ""),
            beat_s=age_of(at, known.heartbeat_at if known else ""),
            evidence=oldest_tasks.place(tables, name, number) if oldest > SILENT_AGENT else "",
        )


def dialogues(tables: TelemetryTables) -> Iterator[Dialogue]:
    """Return the longest-running exchanges among the newest traces that go on."""
    found = 0
    for trace in islice(tables.traces.newest(status=RUNNING), MOST_TRACES):
        if not trace.task_id and trace.messages >= DIALOGUE:
            dialogue = _dialogue(tables, trace)
            if dialogue is not None:
                found += 1
                yield dialogue
        if found >= MOST_DIALOGUES:
            return


def _dialogue(tables: TelemetryTables, trace: Trace) -> Dialogue | None:
    numbers = list(tables.messages.of_trace(trace))[-MOST_MESSAGES:]
    handed: Counter[tuple[str, str]] = Counter()
    for body in tables.messages.bodies(numbers):
        message = orjson.loads(body)
        if message["message_type"] == "task":
            handed[message["source_agent"], message["target_agent"]] += 1
    if not handed:
        return None
    both = {pair: min(handed[pair], handed[pair[::-1]]) for pair in handed if pair[0] != pair[1]}
    pair, turns = max(both.items(), key=lambda item: item[1], default=(("", ""), 0))
    return Dialogue(trace_id=trace.trace_id, messages=trace.messages, pair=pair, turns=turns,
                    started=trace.started)  # fmt: skip
