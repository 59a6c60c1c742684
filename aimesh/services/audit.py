"""The audit's door to the facts: reads all topics and the archive, and has the core judge them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aimesh import codec, dead_letters, topics
from aimesh.core.audit import ROLES, STEPS, Audit, Message
from aimesh.core.balance import Report, stable
from aimesh.core.epochs import Fence
from aimesh.core.identity import derived_id
from aimesh.hops import app_id
from aimesh.records import Review, Solution, Task, Verdict
from aimesh.services.archive import Archive
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import (
    Brokers,
    Place,
    Record,
    Spans,
    TopicReader,
    connected,
    existing,
    header,
    required,
)
from aimesh.settings import Settings

_TOPICS = dict(
    zip(STEPS, (topics.TASKS, topics.SOLUTIONS, topics.VERDICTS, topics.REVIEWS), strict=True)
)
_KINDS = dict(zip(STEPS, (Task, Solution, Verdict, Review), strict=True))
MEMORY = "memory"


class Progress(Protocol):
    """Is told how far the audit is."""

    def __call__(self, what: str, *, total: int = 0, passed: int = 0) -> None:
        """Take note: of a total that is new, or of messages that were passed."""


@dataclass(frozen=True)
class Audited:
    """A report, and by topic and partition the offset up to which was read for it."""

    report: Report
    read_up_to: dict[str, dict[str, int]]

    def stable(self) -> dict[str, Any]:
        """Return it as the object that other programs read."""
        return stable(self.report, self.read_up_to)


async def audit(
    brokers: Brokers,
    settings: Settings,
    *,
    archive: Path | None,
    progress: Progress = lambda what, total=0, passed=0: None,
) -> Audited:
    """Prove that every task is where it must be, on a mesh that runs or one that does not.

    Arguments:
        brokers: where Kafka is.
        settings: say how topics and groups are called.
        archive: the CSV file; None where it is not to be looked at.
        progress: told how far it is.

    Raises:
        UnavailableError: no broker answers, there is no mesh on it, or the archive is no archive.
    """
    async with connected(brokers) as admin:
        return await _Auditor(brokers, settings, admin, archive, progress).run()


class _Auditor:
    """One audit: takes the facts in the order that `aimesh.core.audit` asks for."""

    def __init__(
        self,
        brokers: Brokers,
        settings: Settings,
        admin: KafkaAdmin,
        archive: Path | None,
        progress: Progress,
    ) -> None:
        self._brokers = brokers
        self._settings = settings
        self._admin = admin
        self._archive = archive
        self._progress = progress
        self._audit = Audit(with_rows=archive is not None)
        self._names = {step: settings.topic_prefix + topic for step, topic in _TOPICS.items()}
        self._steps = {name: step for step, name in self._names.items()}
        self._dead = settings.topic_prefix + topics.DEAD_LETTERS
        self._open = {
            f"{app_id(settings, role)}-open-changelog": step for step, role in ROLES.items()
        }
        self._committed: dict[Place, int] = {}

    async def run(self) -> Audited:
        counts = await self._topics()
        # all at once, which has the client learn of all topics, and so keeps the rest quick
        begins = await self._admin.beginnings(counts)
        await self._read_committed()
        open_ends = await self._admin.ends({t: counts[t] for t in self._open if t in counts})
        await self._read_archive()
        # back to front, so that whatever is found further on has its origin within reach
        order = [self._dead, *(self._names[step] for step in reversed(STEPS))]
        ends: dict[Place, int] = {}
        for topic in order:
            ends |= await self._admin.ends({topic: counts[topic]})
        self._check_beginnings({place: begins[place] for place in ends})
        await self._read_topics({place: (begins[place], end) for place, end in ends.items()})
        if self._audit.needs_open_jobs():
            await self._read_open_jobs({p: (begins[p], end) for p, end in open_ends.items()})
        read_up_to: dict[str, dict[str, int]] = {}
        for (topic, partition), end in sorted(ends.items()):
            read_up_to.setdefault(topic, {})[str(partition)] = end
        return Audited(self._audit.report(), read_up_to)

    async def _topics(self) -> dict[str, int]:
        needed = [self._dead, *self._names.values()]
        found = await required(self._admin, self._brokers, needed)
        # a role that never ran has no open jobs
        return found | await existing(self._admin, self._open)

    async def _read_committed(self) -> None:
        for role in ROLES.values():
            self._committed |= await self._admin.committed(app_id(self._settings, role))

    def _check_beginnings(self, begins: Mapping[Place, int]) -> None:
        for (topic, partition), begin in sorted(begins.items()):
            if begin:
                why = f"its log begins at offset {begin}: what was before is gone"
                self._audit.incomplete(f"{topic}/{partition}", why)

    async def _read_archive(self) -> None:
        if self._archive is not None:
            self._progress("archive")
            await asyncio.to_thread(self._take_rows, Archive(self._archive))

    def _take_rows(self, archive: Archive) -> None:
        for row in archive.rows():
            self._audit.row(row.task_id)

    async def _read_topics(self, spans: Spans) -> None:
        # the dead letters come first: a message may be known by them alone
        dead = {place: span for place, span in spans.items() if place[0] == self._dead}
        async for record in self._records("dead letters", dead):
            self._take_dead_letter(record)
        others = {place: span for place, span in spans.items() if place not in dead}
        async for record in self._records("tasks", others):
            if (message := self._message(record)) is not None:
                self._audit.message(message)

    async def _records(self, what: str, spans: Spans) -> AsyncIterator[Record]:
        self._progress(what, total=sum(end - begin for begin, end in spans.values()))
        async with TopicReader(self._brokers) as reader:
            batches = reader.through(spans, lambda count: self._progress(what, passed=count))
            async for batch in batches:
                for record in batch:
                    yield record
                # a batch may be large, and others share this event loop
                await asyncio.sleep(0)

    def _take_dead_letter(self, record: Record) -> None:
        if header(record, "ce_source").endswith(app_id(self._settings, MEMORY)):
            return  # nobody's end: the task goes on without being remembered
        told = dead_letters.context_of(record.headers)
        place = derived_id(told.topic, told.partition, told.offset)
        self._audit.dead_letter(place, rejected=told.rejected)

    def _message(self, record: Record) -> Message | None:
        step = self._steps[record.topic]
        value = record.value or b""
        data = _read(step, value)
        if data is None and step != STEPS[0]:
            return None  # not of the mesh's making
        data = data or {}
        place = (record.topic, record.partition)
        return Message(
            step=step,
            place=derived_id(*place, record.offset),
            task_id=data.get("task_id", ""),
            attempt=data.get("attempt", data.get("attempts", 1)),
            replay=header(record, dead_letters.REPLAY_COUNT),
            waiting=record.offset >= self._committed.get(place, 0),
            final=data.get("final", False),
            digest=_digest(value) if step == STEPS[-1] else 0,
        )

    async def _read_open_jobs(self, spans: Spans) -> None:
        fences: defaultdict[Place, Fence] = defaultdict(Fence)
        async for record in self._records("open jobs", spans):
            if not fences[record.topic, record.partition].counts(record.key, record.headers):
                continue
            step, key = self._open[record.topic], codec.loads(record.key or b'""')
            self._audit.open_job(step, key, is_open=record.value is not None)


def _read(step: str, value: bytes) -> dict[str, Any] | None:
    """Return what a message says, None where it is not the record that its topic carries."""
    try:
        data = codec.loads(value)
    except ValueError:
        return None
    if not isinstance(data, dict) or codec.mismatch(_KINDS[step], data):
        return None
    return data


def _digest(value: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "big")
