"""Timers of one process tick together, whenever they began."""

from __future__ import annotations

import pytest

from aimesh import ticking
from aimesh.ticking import tick


class Clock:
    """A clock that goes on only where somebody sleeps."""

    def __init__(self, at: float) -> None:
        self.at = at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.mark.parametrize(
    ("at", "then"),
    [(100.2, 101.0), (100.9, 101.0), (101.0, 102.0), (100.9999, 102.0)],
    ids=["early", "late", "at a tick", "a moment before one, woken too early"],
)
async def test_a_timer_ticks_at_the_clocks_next_whole_interval(
    monkeypatch: pytest.MonkeyPatch, at: float, then: float
) -> None:
    clock = Clock(at)
    monkeypatch.setattr(ticking, "time", clock)
    monkeypatch.setattr(ticking, "asyncio", clock)
    await tick(1.0)
    assert clock.at == pytest.approx(then)
