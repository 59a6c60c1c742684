"""Which traces are kept, and that every one that is not is counted."""

from __future__ import annotations

from typing import Any

import pytest

from aimesh.core.exporting.sampling import Bucket, Sampler, SamplingConfig, Seen, share_of


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def seen(name: str, **more: Any) -> Seen:
    return Seen(**{"trace_id": name, "duration_ms": 10.0, "failed": False, "spans": 3, **more})


def sampler(clock: Clock | None = None, **config: Any) -> Sampler:
    return Sampler(SamplingConfig(**config), clock or Clock())


def test_the_defaults_keep_everything_that_there_is_room_for() -> None:
    made = sampler()
    assert [made.decide(seen(f"t{n}")).keep for n in range(150)] == [True] * 100 + [False] * 50
    metrics = made.metrics(7)
    assert metrics["sampled_traces"] == 100
    assert metrics["dropped_traces"] == metrics["rate_limited_traces"] == 50
    assert (metrics["total_spans"], metrics["sampled_spans"], metrics["dropped_spans"]) == (
        450, 300, 150)  # fmt: skip
    assert (metrics["tail_buffer_size"], metrics["sample_rate"]) == (7, 0.6667)


def test_a_share_of_traces_is_kept_the_same_ones_everywhere() -> None:
    names = [f"trace-{n}" for n in range(2000)]
    one, other = (sampler(head_sample_rate=0.25, traces_per_second=1e6, spans_per_second=1e6)
                  for _ in range(2))  # fmt: skip
    kept = [name for name in names if one.decide(seen(name)).keep]
    assert kept == [name for name in names if other.decide(seen(name)).keep]
    assert 0.2 < len(kept) / len(names) < 0.3
    assert all(share_of(name) < 0.25 for name in kept)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"failed": True}, "error"),
        ({"duration_ms": 5000.0}, "slow"),
        ({"trace_id": "looked-at"}, "debug"),
        ({"session_id": "s1"}, "debug"),
    ],
)
def test_errors_slow_traces_and_those_looked_at_are_always_kept(
    fields: dict[str, Any], reason: str
) -> None:
    made = sampler(head_sample_rate=0.0, traces_per_second=0.0, spans_per_second=0.0,
                   debug_trace_ids=("looked-at",), debug_session_ids=("s1",))  # fmt: skip
    assert not made.decide(seen("other")).keep
    decision = made.decide(seen(**{"name": "t", **fields}) if "trace_id" not in fields
                           else Seen(duration_ms=1, failed=False, spans=3, **fields))  # fmt: skip
    assert (decision.keep, decision.reason, decision.spans) == (True, reason, 3)


def test_an_agent_may_have_a_rate_of_its_own() -> None:
    made = sampler(head_sample_rate=0.0, agent_sample_rates={"writer": 1.0, "noisy": 0.0})
    assert made.decide(seen("a", agents=("writer", "noisy"))).keep
    assert not made.decide(seen("b", agents=("noisy",))).keep
    assert not made.decide(seen("c")).keep
    assert made.metrics(0)["agent_cardinality"] == 2


def test_tokens_come_back_with_time() -> None:
    clock = Clock()
    bucket = Bucket(10.0, clock)
    assert [bucket.take(8), bucket.take(8)] == [8, 2]
    clock.now = 0.5
    assert bucket.take(8) == 5
    clock.now = 100
    assert bucket.available == 10
    assert bucket.take(25, force=True) == 25
    assert bucket.take(1) == 0


def test_what_was_kept_is_kept_when_more_of_it_comes_and_is_counted_once() -> None:
    made = sampler(head_sample_rate=0.0)
    assert not made.decide(seen("t")).keep
    assert made.decide(seen("t", failed=True)).keep
    assert made.decide(seen("t")).keep
    metrics = made.metrics(0)
    assert (metrics["total_traces"], metrics["sampled_traces"], metrics["dropped_traces"]) == (
        1, 1, 0)  # fmt: skip


def test_spans_and_events_beyond_their_room_are_dropped_and_counted() -> None:
    made = sampler(spans_per_second=5.0, events_per_second=1.0)
    decision = made.decide(seen("t", spans=8, events=4))
    assert (decision.spans, decision.events) == (5, 1)
    metrics = made.metrics(0)
    assert (metrics["dropped_spans"], metrics["dropped_events"]) == (3, 3)
    made.reset()
    assert made.metrics(0)["total_traces"] == 0
