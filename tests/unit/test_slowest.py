"""The slowest traces are found as a look at all of them would find them."""

from __future__ import annotations

from random import Random

import pytest

from aimesh.tables.telemetry.traces import CANCELLED, COMPLETED, FAILED, RUNNING, Trace, Traces

NOW = 1_700_000_000.0


def begin(traces: Traces, number: int, started: float) -> Trace:
    """Begin a trace."""
    trace = traces.start(number, f"t{number}", started)
    assert trace is not None
    return trace


def scanned(known: list[Trace], least: float) -> list[tuple[float, int]]:
    """Return the times and numbers of all traces that took so long, the slowest first."""
    took = [
        ((NOW - one.started) * 1000 if one.status == RUNNING else one.duration, one.number)
        for one in known
    ]
    return sorted((one for one in took if one[0] >= least), reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_that_a_scan_finds(seed: int) -> None:
    random, traces = Random(seed), Traces(10_000)
    known = [begin(traces, n, NOW - random.expovariate(1 / 60)) for n in range(1, 400)]
    for trace in known:
        for _ in range(random.randrange(1, 4)):
            # what began it may come after what followed
            traces.begin_at(trace, trace.started + random.uniform(-40, 20))
            status = random.choice([RUNNING, COMPLETED, FAILED, CANCELLED])
            traces.settle(trace, status, int(random.expovariate(1 / 30_000)))
    for trace in random.sample(known, 50):
        traces.drop(trace)
        known.remove(trace)
    for least in (0, 1, 500, 10_000, 60_000, 300_000, 10**9):
        wanted = scanned(known, least)
        count, found = traces.slowest(least, 10, NOW)
        assert count == len(wanted)
        assert [(ms, trace.number) for ms, trace in found] == wanted[:10]


def test_where_there_is_none_none_is_found() -> None:
    assert Traces(10).slowest(0, 5, NOW) == (0, [])


def test_one_that_goes_on_counts_by_how_long_it_has() -> None:
    traces = Traces(10)
    traces.settle(begin(traces, 1, NOW - 100), RUNNING, 0)
    traces.settle(begin(traces, 2, NOW - 200), COMPLETED, 50)
    assert [trace.number for _, trace in traces.slowest(1000, 5, NOW)[1]] == [1]
    assert traces.slowest(1000, 5, NOW + 60)[1][0][0] == pytest.approx(160_000)
