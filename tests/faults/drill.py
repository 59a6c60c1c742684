"""One run of a whole mesh under faults: what is sent in, what is done to it, what has to hold."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.services.audit import Audited, audit
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from tests.faults.recomputed import Known, from_log, from_tables
from tests.faults.stuck import told_of
from tests.mesh import Mesh, simple
from tests.qdrant_server import QdrantServer, qdrant_server
from tests.worker import Worker

# seconds in which a mesh must have worked off what a scenario has sent in
PATIENCE = 240.0
# the same for what comes after: acknowledgements, tables
AFTER = 30.0
TALLY = 0.2
# jobs that a worker has at the model at the same time: solutions and reviews
AT_WORK = 2 * Settings().llm_concurrency
# all but the producer, whose tasks are nobody's order
ROLES = ",".join(role for role in Settings().roles if role != "producer")


@dataclass
class Drill:
    """A mesh with a Kafka of its own, and a tally of what happens to it.

    Arguments:
        short: as in the tests, where a pause is seconds and not minutes.
    """

    kafka: EmbeddedKafka
    mesh: Mesh
    memory: QdrantServer
    chance: random.Random
    short: bool
    ids: list[str] = field(default_factory=list)
    poison: int = 0
    kills: int = 0
    last_kill: float = 0.0
    #: Seconds between two rows, the longest; and from the last blow to the next row.
    gap: float = 0.0
    back: float = 0.0
    _live: dict[str, Worker] = field(default_factory=dict)

    # -- workers

    async def worker(self, name: str, *, wait: bool = True) -> Worker:
        """Start a worker with state of its own."""
        found = await self.mesh.start(wait=wait, AIMESH_WORKER=name)
        self._live[name] = found
        return found

    async def workers(self, *names: str) -> None:
        """Start workers at the same time."""
        await asyncio.gather(*(self.worker(name) for name in names))

    async def end(self, name: str, number: int) -> None:
        """End a worker by a signal, and count it."""
        worker = self._live.pop(name)
        if number == signal.SIGKILL:
            await worker.kill()
        else:
            # one that has only just begun ends as any program would
            code = await worker.stop()
            reason = worker.line_with("Crashed reason") or worker.tail()
            assert code in (0, -signal.SIGTERM), f"worker {name} ended with {code}: {reason}"
        self.hit()

    def hit(self) -> None:
        """Note that something was taken away, or came back."""
        self.kills += 1
        self.last_kill, self.back = time.monotonic(), 0.0

    def of(self, name: str) -> Worker:
        """A worker that runs."""
        return self._live[name]

    def pick(self, short: float, long: float) -> float:
        """The one of the tests, or that of a real drill."""
        return short if self.short else long

    # -- tasks

    async def send(self, short: int, long: int | None = None) -> None:
        """Send tasks that any program may send: so many in the tests, so many in a drill."""
        count = short if self.short else long or short
        texts = simple(count, len(self.ids))
        self.ids += await self.mesh.send([orjson.dumps({"task": text}) for text in texts])

    async def send_poison(self, count: int) -> None:
        """Send what can never be a task."""
        bad = [b"\xff\xfe not text", b"[]", b'{"task": ""}', b'{"task": 7}']
        await self.mesh.send([bad[n % len(bad)] for n in range(count)])
        self.poison += count

    def done(self) -> int:
        """How many tasks have their row."""
        return len(self.mesh.row_counts())

    async def until_done(self, count: int) -> None:
        """Wait until so many tasks have their rows."""
        deadline = time.monotonic() + PATIENCE
        while (done := self.done()) < count:
            if time.monotonic() > deadline:
                missing = set(self.ids) - self.mesh.row_counts().keys()
                told = await told_of(missing, self._live.values())
                raise AssertionError(f"{done} of {len(self.ids)}\n{told}\n{self._tails()}")
            await asyncio.sleep(TALLY)

    # -- the end

    async def tally(self) -> None:
        """Note for how long no row comes while some are missing, until cancelled."""
        before, done = time.monotonic(), 0
        while True:
            await asyncio.sleep(TALLY)
            now, now_done = time.monotonic(), self.done()
            if now_done > done and self.last_kill and not self.back:
                self.back = now - self.last_kill
            if now_done > done or now_done == len(self.ids):
                self.gap = max(self.gap, now - before if done else 0.0)
                before, done = now, now_done

    def ended(self) -> list[str]:
        """Say which workers have ended that nobody has ended, and what they said of it."""
        return [
            f"worker {name} ended by itself with {code}: {worker.line_with('Crashed reason')}"
            for name, worker in self._live.items()
            if (code := worker.process.returncode) is not None
        ]

    def _tails(self) -> str:
        return "\n".join(worker.tail(12) for worker in self._live.values())

    async def audited(self) -> Audited:
        """Audit the mesh; asked again for a while, as the last acknowledgements take a moment."""
        settings = Settings.from_env(
            {"AIMESH_TOPIC_PREFIX": self.mesh.prefix, "AIMESH_DATA": str(self.mesh.data)}
        )
        deadline = time.monotonic() + AFTER
        while True:
            found = await audit(Brokers(self.kafka.bootstrap), settings, archive=settings.history)
            report = found.report
            settled = report.balanced and not report.in_flight
            if settled or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.5)

    async def compared(self) -> list[str]:
        """Say where workers tell other than what the topics come to; tables follow a moment later.

        Every worker is asked, for all of them are to answer alike.
        """
        deadline = time.monotonic() + AFTER
        wanted = await from_log(self.mesh, self.ids)
        waiting = dict.fromkeys(self._live, Known())
        while waiting and time.monotonic() < deadline:
            for name in list(waiting):
                waiting[name] = await from_tables(self._live[name], self.ids)
                if waiting[name] == wanted:
                    del waiting[name]
            await asyncio.sleep(TALLY)
        return [f"{name}: {self._difference(k, wanted)}" for name, k in waiting.items()]

    def _difference(self, found: Known, wanted: Known) -> str:
        tasks = {t for t in self.ids if found.outcomes.get(t) != wanted.outcomes[t]}
        tasks |= {t for t in self.ids if found.parts.get(t) != wanted.parts[t]}
        states = {t: (found.parts.get(t), wanted.parts[t]) for t in sorted(tasks)[:3]}
        return f"{found.counts} for {wanted.counts}, and other states of {tasks}, as {states}"


Scenario = Callable[[Drill], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario, as the drill's table shows it."""

    tasks: int
    kills: int
    lost: int
    doubled: int
    extra_calls: int
    gap: float
    back: float
    problems: list[str]
    #: Where the observer's tables differ from what the topics come to.
    stale: list[str]

    @property
    def held(self) -> bool:
        """Whether nothing was lost, doubled or out of balance."""
        return not (self.lost or self.doubled or self.problems)


async def run(scenario: Scenario, folder: Path, seed: int, *, short: bool) -> Outcome:
    """Run a scenario on a mesh of its own, and say what came of it."""
    os.makedirs(folder, exist_ok=True)
    async with (
        EmbeddedKafka(folder / "kafka", free_port()) as kafka,
        RehearsalServer(port=free_port(), garbage_every=0, latency=0.3, seed=seed) as model,
        qdrant_server() as memory,
    ):
        environ = {"QDRANT_URL": memory.url, "AIMESH_ROLES": ROLES}
        mesh = Mesh(kafka.bootstrap, folder, model, environ)
        drill = Drill(kafka, mesh, memory, random.Random(seed), short)
        tally = asyncio.create_task(drill.tally())
        try:
            await scenario(drill)
            await drill.until_done(len(drill.ids))
            return await _outcome(drill, model)
        finally:
            tally.cancel()
            for worker in mesh.workers:
                await worker.kill()


async def _outcome(drill: Drill, model: RehearsalServer) -> Outcome:
    report = (await drill.audited()).report
    problems = [f"{p.task_id}: {p.kind}: {p.why}" for p in report.problems]
    if report.in_flight:
        problems.append(f"{report.in_flight} tasks stay in flight")
    problems += drill.ended()
    if report.dead_lettered != drill.poison:
        problems.append(f"{report.dead_lettered} dead letters for {drill.poison} bad messages")
    stale = await drill.compared()
    rows = drill.mesh.row_counts()
    needed = 2 * len(drill.ids)  # a solution and a review of each
    extra = sum(model.kinds[kind] for kind in ("solve", "fix", "review")) - needed
    if not 0 <= extra <= AT_WORK * drill.kills:
        problems.append(f"{extra} calls of the model beyond need, after {drill.kills} kills")
    return Outcome(
        tasks=len(drill.ids),
        kills=drill.kills,
        lost=len(set(drill.ids) - rows.keys()),
        doubled=sum(count - 1 for count in rows.values()),
        extra_calls=extra,
        gap=round(drill.gap, 1),
        back=round(drill.back, 1),
        problems=problems,
        stale=stale,
    )
