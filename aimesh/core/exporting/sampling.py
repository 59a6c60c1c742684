"""Which traces are kept: by chance at their head, by what became of them at their tail."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_DECIDED = 20_000
MOST_AGENTS = 10_000
_WHOLE = 1 << 56


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """What is kept. Rates of traces are shares from 0 to 1, those of buckets are a second."""

    head_sample_rate: float = 1.0
    slow_trace_threshold_ms: float = 5000.0
    debug_trace_ids: tuple[str, ...] = ()
    debug_session_ids: tuple[str, ...] = ()
    agent_sample_rates: Mapping[str, float] = field(default_factory=dict)
    tail_buffer_traces: int = 1000
    tail_buffer_seconds: float = 30.0
    traces_per_second: float = 100.0
    spans_per_second: float = 1000.0
    events_per_second: float = 500.0

    def shown(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of a trace when it is decided on."""

    trace_id: str
    duration_ms: float
    failed: bool
    session_id: str = ""
    agents: tuple[str, ...] = ()
    spans: int = 0
    events: int = 0


@dataclass(frozen=True)
class Decision:
    """Whether a trace is kept, why, and how many of its spans and events have room."""

    keep: bool
    reason: str
    spans: int = 0
    events: int = 0


class Bucket:
    """Tokens that come back at a rate, as many as come in a second at most.

    Arguments:
        rate: tokens a second.
        clock: seconds that only grow.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = rate
        self._at = clock()

    @property
    def available(self) -> float:
        """How many tokens there are now; below 0 where more was taken than there was."""
        now = self._clock()
        self._tokens = min(self.rate, self._tokens + (now - self._at) * self.rate)
        self._at = now
        return self._tokens

    def take(self, number: int, *, force: bool = False) -> int:
        """Take tokens; return how many there were, all of them where it is forced."""
        found = number if force else max(0, min(number, int(self.available)))
        self._tokens = self.available - found
        return found


class Sampler:
    """Decides on traces, and counts what it kept and dropped.

    Arguments:
        config: what is kept.
        clock: seconds that only grow.
    """

    def __init__(self, config: SamplingConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._decided: OrderedDict[str, bool] = OrderedDict()
        self.configure(config)
        self.reset()

    def configure(self, config: SamplingConfig) -> None:
        """Use another configuration from now on."""
        self.config = config
        self._traces = Bucket(config.traces_per_second, self._clock)
        self._spans = Bucket(config.spans_per_second, self._clock)
        self._events = Bucket(config.events_per_second, self._clock)

    def reset(self) -> None:
        """Begin to count anew."""
        self._counts: Counter[str] = Counter()
        self._agents: dict[str, None] = {}

    def decide(self, seen: Seen) -> Decision:
        """Return whether a trace is kept; what was kept before is kept when it comes again."""
        again = self._decided.get(seen.trace_id)
        reason, forced = self._reason(seen)
        keep = reason != "" or bool(again)
        if keep and not again and not self._traces.take(1, force=forced):
            keep, reason = False, "rate_limited"
        self._note(seen, keep, reason, again)
        if not keep:
            self._counts["dropped_spans"] += seen.spans
            return Decision(False, reason or "head")
        return self._with_room(seen, reason or "again", forced)

    def _reason(self, seen: Seen) -> tuple[str, bool]:
        """Return why a trace is kept, empty where it is not, and whether limits do not count."""
        config = self.config
        if seen.trace_id in config.debug_trace_ids or seen.session_id in config.debug_session_ids:
            return "debug", True
        if seen.failed:
            return "error", True
        if seen.duration_ms >= config.slow_trace_threshold_ms:
            return "slow", True
        rates = [
            config.agent_sample_rates[a] for a in seen.agents if a in config.agent_sample_rates
        ]
        rate = max(rates, default=config.head_sample_rate)
        return ("head" if share_of(seen.trace_id) < rate else ""), False

    def _with_room(self, seen: Seen, reason: str, forced: bool) -> Decision:
        spans = self._spans.take(seen.spans, force=forced)
        events = self._events.take(seen.events, force=forced)
        self._counts["sampled_spans"] += spans
        self._counts["dropped_spans"] += seen.spans - spans
        self._counts["dropped_events"] += seen.events - events
        return Decision(True, reason, spans, events)

    def _note(self, seen: Seen, keep: bool, reason: str, again: bool | None) -> None:
        self._counts["total_spans"] += seen.spans
        for agent in seen.agents:
            if len(self._agents) < MOST_AGENTS:
                self._agents[agent] = None
        if again is None:
            self._counts["total_traces"] += 1
        elif again == keep:
            return
        else:
            self._counts["dropped_traces"] -= 1  # it was, and is kept now
        self._decided[seen.trace_id] = keep
        if len(self._decided) > MOST_DECIDED:
            self._decided.popitem(last=False)
        self._counts["sampled_traces" if keep else "dropped_traces"] += 1
        if keep and reason in ("error", "slow"):
            self._counts[f"{reason}_sampled_traces"] += 1
        if reason == "rate_limited":
            self._counts["rate_limited_traces"] += 1

    def metrics(self, buffered: int) -> dict[str, Any]:
        """Return what was counted.

        Arguments:
            buffered: traces that wait to be decided on.
        """
        names = (
            "total_traces", "sampled_traces", "dropped_traces", "rate_limited_traces",
            "error_sampled_traces", "slow_sampled_traces", "total_spans", "sampled_spans",
            "dropped_spans", "dropped_events",
        )  # fmt: skip
        total = self._counts["total_traces"]
        share = self._counts["sampled_traces"] / total if total else None
        return {
            **{name: self._counts[name] for name in names},
            "trace_cardinality": len(self._decided),
            "agent_cardinality": len(self._agents),
            "tail_buffer_size": buffered,
            "trace_rate_available": round(self._traces.available, 1),
            "span_rate_available": round(self._spans.available, 1),
            "event_rate_available": round(self._events.available, 1),
            "sample_rate": None if share is None else round(share, 4),
        }


def share_of(trace_id: str) -> float:
    """Return where from 0 to 1 a trace lies, the same for the same id in every process."""
    digest = hashlib.blake2b(trace_id.encode("utf-8", "surrogatepass"), digest_size=7).digest()
    return int.from_bytes(digest) / _WHOLE
