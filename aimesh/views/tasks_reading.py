"""Everything that Kafka has of one task: its records, and what agents told while it ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from aimesh import codec, topics
from aimesh.core.moments import seconds_of, time_text
from aimesh.hops import app_id
from aimesh.services.letters import letter_of
from aimesh.services.reading import (
    Brokers,
    Place,
    Record,
    Spans,
    TopicReader,
    connected,
    existing,
    kafka_failures,
)
from aimesh.settings import Settings

# of the telemetry that was written while a task ran, at most so many messages are looked at
MOST_LINES = 20_000
# clocks of workers and broker differ, and an agent tells of a task's end after it
BEFORE_MS, AFTER_MS = 2_000, 15_000

Event = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A task's events in the order of time, as the feed has them.

    ``whole`` is False where more telemetry was written meanwhile than is looked at.
    """

    events: list[Event]
    whole: bool


class TaskEvents:
    """Reads what Kafka has of a task, from the topics themselves.

    Arguments:
        brokers: where Kafka is.
        settings: say how the topics are called.
    """

    def __init__(self, brokers: Brokers, settings: Settings) -> None:
        self._brokers = brokers
        self._settings = settings
        prefix = settings.topic_prefix
        self._kinds = {prefix + topic: kind for topic, kind in topics.CARRIES.items()}
        self._telemetry = prefix + topics.TELEMETRY

    async def of(self, state: Mapping[str, Any]) -> Found:
        """Return the events of a task that the observer knows.

        Arguments:
            state: of the task, as `aimesh.core.tasks.fold` makes it; says where its records are.

        Raises:
            UnavailableError: no broker answers.
        """
        async with connected(self._brokers) as admin:
            there = await existing(admin, [self._telemetry])
        records: list[Record] = []
        reader = _Reader(self._brokers)
        async with reader:
            for spans in _rounds(_places(state)):
                records += [r async for batch in reader.through(spans) for r in batch]
            window, whole = await reader.window(there, *_times(state))
            mark = str(state["task_id"]).encode()
            async for batch in reader.through(window):
                # most lines are of other tasks, and need not be decoded
                records += [r for r in batch if mark in (r.value or b"")]
        events = [e for r in records if (e := self._event(r, state["task_id"])) is not None]
        return Found(sorted(events, key=lambda event: str(event["at"])), whole)

    def _event(self, record: Record, task_id: str) -> Event | None:
        kind = self._kinds.get(record.topic)
        data = self._letter(record) if kind == "dead_letter" else _data(record)
        if kind is None or data is None:
            return None
        if kind == "task" and not data.get("task_id"):
            data["task_id"] = task_id
        if data.get("task_id") != task_id:
            return None
        key = (record.key or b"").decode("utf-8", "replace")
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        at = time_text(record.timestamp / 1000)
        return {"kind": kind, "at": at, **where, "key": key, "data": data}

    def _letter(self, record: Record) -> dict[str, Any]:
        letter = letter_of(record, app_id(self._settings, ""), {})
        origin = letter.origin
        return {
            "task_id": letter.task_id,
            "topic": origin.topic if origin else "",
            "partition": origin.partition if origin else None,
            "offset": origin.offset if origin else None,
            "error": letter.error,
            "error_type": letter.error_type,
            "role": letter.role,
        }


class _Reader(TopicReader):
    """A reader that also finds offsets by time."""

    async def window(
        self, counts: Mapping[str, int], begin_ms: int, end_ms: int
    ) -> tuple[Spans, bool]:
        """Return what some topics hold of a span of time, and whether that is all of it.

        Arguments:
            counts: the topics, each with its number of partitions.
            begin_ms, end_ms: from when, and up to when, in Unix milliseconds.

        Raises:
            UnavailableError: the broker stops answering.
        """
        places = [TopicPartition(topic, n) for topic, count in counts.items() for n in range(count)]
        if not places:
            return {}, True
        with kafka_failures(self._brokers):
            first = await self._consumer.offsets_for_times(dict.fromkeys(places, begin_ms))
            after = await self._consumer.offsets_for_times(dict.fromkeys(places, end_ms))
            ends = await self._consumer.end_offsets(places)
        share = MOST_LINES // len(places)
        spans: dict[Place, tuple[int, int]] = {}
        whole = True
        for place in places:
            begin = first[place].offset if first[place] else ends[place]
            end = after[place].offset if after[place] else ends[place]
            whole &= end - begin <= share
            spans[place.topic, place.partition] = (begin, min(end, begin + share))
        return spans, whole


def _places(state: Mapping[str, Any]) -> Iterator[tuple[Place, int]]:
    parts = [p for attempt in state.get("attempts", {}).values() for p in attempt.values()]
    for part in (*parts, state.get("review"), state.get("dead")):
        if part and part.get("ref"):
            topic, partition, offset = part["ref"].rsplit("/", 2)
            yield (topic, int(partition)), int(offset)


def _rounds(places: Iterable[tuple[Place, int]]) -> list[Spans]:
    """Share places out to as few readings as there can be, with one offset of each partition."""
    rounds: list[dict[Place, tuple[int, int]]] = []
    for place, offset in sorted(set(places), key=lambda pair: pair[1]):
        free = next((spans for spans in rounds if place not in spans), None)
        if free is None:
            rounds.append(free := {})
        free[place] = (offset, offset + 1)
    return list(rounds)


def _times(state: Mapping[str, Any]) -> tuple[int, int]:
    first, last = (int(seconds_of(state[name]) * 1000) for name in ("first_at", "updated_at"))
    # Kafka knows no times before 1970, though a program may send one
    return max(0, first - BEFORE_MS), max(0, last + AFTER_MS)


def _data(record: Record) -> dict[str, Any] | None:
    try:
        data = codec.loads(record.value or b"")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
