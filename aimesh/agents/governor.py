"""The governor: measures the lag of every hop and throttles the producer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from faust.types import TP

from aimesh import codec
from aimesh.core import governing
from aimesh.core.lag import HORIZON, Sample, Verdict, Work, extended, judge
from aimesh.core.moments import seconds_of, time_text
from aimesh.errors import UnavailableError
from aimesh.faustfix import MeshApp
from aimesh.feeding import kind_in
from aimesh.hops import Hop
from aimesh.records import GovernorDecision, LagSample, StageReport, now
from aimesh.services.lag import LagReader
from aimesh.telling import Teller
from aimesh.ticking import tick

logger = logging.getLogger(__name__)

# a window's samples are kept in the table at this spacing, for so long (seconds)
SPACING = 5.0
KEPT = 900.0
# unchanged samples are repeated only so often
REPEAT = 5.0
REPORT_VALID = 15.0


class Governor:
    """Samples by clock, judges every hop, decides for the tasks' hop, and tells all of it.

    Its timer works on the one worker that owns the governor topic's only partition, where the
    agent below keeps the windows; it sends records and never writes a table itself.
    """

    def __init__(
        self,
        app: MeshApp,
        reader: LagReader,
        *,
        topic: str,
        tasks: Hop,
        threshold: int,
        interval: float,
        tell: Teller,
    ) -> None:
        self._app = app
        self._reader = reader
        self._topic = topic
        self._tasks = tasks
        self._threshold = threshold
        self._interval = interval
        self._tell = tell
        self._windows: dict[str, list[Sample]] = {}
        self._reports: dict[tuple[str, str], tuple[StageReport, float]] = {}
        self._sent: dict[str, tuple[tuple[Any, ...], float]] = {}
        self.decision: governing.Decision | None = None
        self.table = app.table("windows", 1, "Samples of every hop's lag, newest last.")
        channel = app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw")
        app.agent(channel, name=f"{app.conf.id}.windows")(self.read)
        app.task(self.run)

    # -- the agent: windows and reports

    async def read(self, stream: Any) -> None:
        """Keep the windows of samples, and the newest report of every stage."""
        async for event in stream.events():
            try:
                data = codec.loads(event.value or b"")
            except ValueError as exc:
                logger.warning("%s: left out: %s", self._topic, exc)
                continue
            kind, problem = kind_in("governor", data)
            if problem:
                logger.warning("%s: left out: %s", self._topic, problem)
            elif kind == "stage":
                report = codec.read(StageReport, event.value)
                if isinstance(report, StageReport):
                    self._reports[report.role, report.worker] = (report, time.monotonic())
            elif kind == "lag" and None not in map(data.get, ("ts", "lag", "end", "committed")):
                self._keep(data)

    def _keep(self, data: Mapping[str, Any]) -> None:
        ts = seconds_of(data["ts"])
        key = f"{data['topic']}>{data['group']}"
        samples = (self.table.look(key, 0) or {}).get("samples", [])
        if not samples or not 0 <= ts - samples[-1][0] < SPACING:
            kept = [s for s in samples if ts - KEPT <= s[0] < ts]
            kept.append([ts, data["end"], data["committed"]])
            self.table.put(key, {"samples": kept}, 0)

    # -- the timer

    def is_leader(self) -> bool:
        """Tell whether this worker is the one that governs."""
        if self._app.rebalancing or self._app.in_recovery:
            return False
        return TP(self._topic, 0) in self._app.assignor.assigned_actives()

    async def run(self) -> None:
        """Sample and decide by the clock until the application stops."""
        while not self._app.should_stop:
            try:
                if self.is_leader():
                    await self._tick()
                else:
                    self._windows.clear()
            except Exception:
                # an exception that escapes a timer ends the worker
                logger.exception("the governor could not decide")
            await tick(self._interval)

    async def _tick(self) -> None:
        at = time.time()
        try:
            samples = await self._reader.sampled(at)
        except (UnavailableError, OSError, TimeoutError) as exc:
            logger.warning("the lag cannot be read: %s", exc)
            samples = {}
        for hop in self._reader.hops:
            await self._publish(hop, samples.get(hop))
        tasks = self._tasks
        lag = samples[tasks].lag if tasks in samples else None
        self.decision = governing.decide(self.decision, lag, self._threshold, at)
        if self.decision.changed:
            logger.info("%s: %s", self.decision.state, self.decision.reason)
            self._tell.event("governor", state=self.decision.state, reason=self.decision.reason)
        await self._send(tasks.topic, self._record(tasks, self.decision, at))

    def _work(self, hop: Hop) -> Work | None:
        fresh = time.monotonic() - REPORT_VALID
        reports = [
            r for (role, _), (r, at) in self._reports.items() if role == hop.stage and at > fresh
        ]
        if not reports:
            return None
        oldest_s = max(r.oldest_s for r in reports)
        if hop.agent:
            # whose of the agents' jobs is the oldest is not told
            own = sum((r.counts or {}).get(f"{hop.agent}.open", 0) for r in reports)
            return Work(open=own, oldest_s=oldest_s, deadline_s=float("inf"))
        return Work(
            open=sum(r.open for r in reports),
            oldest_s=oldest_s,
            deadline_s=max(r.deadline_s for r in reports),
            waiting=next((r.waiting for r in reports if r.waiting), ""),
        )

    async def _publish(self, hop: Hop, sample: Sample | None) -> None:
        if sample is None:
            verdict = Verdict("UNKNOWN", "the lag cannot be read", "flat", 0.0)
            self._windows.pop(hop.group + hop.topic, None)
        else:
            window = self._windows.get(hop.group + hop.topic)
            if window is None:
                window = self._remembered(hop, sample.ts)
            window = extended(window, sample, HORIZON)
            self._windows[hop.group + hop.topic] = window
            verdict = judge(window, self._reader.members.get(hop.group), self._work(hop))
        record = self._lag_record(hop, sample, verdict)
        essence = (record.lag, record.end, record.members, record.verdict, record.open)
        last, sent_at = self._sent.get(hop.group + hop.topic, ((), 0.0))
        if essence != last or time.monotonic() - sent_at >= REPEAT - self._interval / 2:
            self._sent[hop.group + hop.topic] = (essence, time.monotonic())
            await self._send(hop.topic, record)

    def _remembered(self, hop: Hop, at: float) -> list[Sample]:
        stored = (self.table.look(f"{hop.topic}>{hop.group}", 0) or {}).get("samples", [])
        return [Sample(*values) for values in stored if at - HORIZON <= values[0] < at]

    def _lag_record(self, hop: Hop, sample: Sample | None, verdict: Verdict) -> LagSample:
        work = self._work(hop)
        return LagSample(
            topic=hop.topic,
            group=hop.group,
            role=hop.role,
            end=sample.end if sample else None,
            committed=sample.committed if sample else None,
            lag=sample.lag if sample else None,
            lag_seconds=verdict.lag_seconds if sample else None,
            members=self._reader.members.get(hop.group),
            verdict=verdict.word,
            reason=verdict.reason,
            trend=verdict.trend,
            open=work.open if work else 0,
            oldest_s=work.oldest_s if work else 0.0,
            ts=now(),
        )

    def _record(self, hop: Hop, decision: governing.Decision, at: float) -> GovernorDecision:
        return GovernorDecision(
            decision_id=f"{int(at * 1000):x}",
            topic=hop.topic,
            state=decision.state,
            reason=decision.reason,
            lag=decision.lag,
            threshold=decision.threshold,
            changed=decision.changed,
            since=time_text(decision.since),
            ts=now(),
        )

    async def _send(self, key: str, record: Any) -> None:
        value = codec.dumps(record)
        await self._app.producer.send(self._topic, key.encode(), value, 0, None, None)
