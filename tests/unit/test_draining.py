"""A burst's way down is told as it was."""

from __future__ import annotations

from aimesh.core.draining import Draining
from aimesh.core.governing import ACTIVE, THROTTLED


def test_a_burst_is_over_when_it_is_taken_and_the_producer_may_go_on() -> None:
    draining = Draining({0: 10, 1: 12}, 20)
    draining.decided(0.0, ACTIVE, "lag 0")
    draining.sample(0.5, {0: 10, 1: 12}, {0: 0, 1: 2})
    assert (draining.lag, draining.left) == (20, 20)
    draining.decided(1.0, THROTTLED, "lag 20")
    draining.sample(2.0, {0: 10, 1: 12}, {0: 10, 1: 12})
    assert draining.active_after is None
    draining.decided(3.0, ACTIVE, "lag 0")
    assert draining.is_over
    assert draining.summary() == {
        "sent": 20, "peak_lag": 20, "throttled_after_s": 1.0, "drained_after_s": 2.0,
        "active_after_s": 3.0, "lag": 0, "state": ACTIVE,
    }  # fmt: skip


def test_messages_of_others_do_not_keep_a_burst_from_being_taken() -> None:
    draining = Draining({0: 5}, 5)
    draining.sample(1.0, {0: 9}, {0: 6})
    assert (draining.lag, draining.left) == (3, 0)
    assert draining.drained_after == 1.0


def test_a_group_that_never_committed_has_taken_nothing() -> None:
    draining = Draining({0: 5}, 5)
    draining.sample(1.0, {0: 5}, {})
    assert draining.left == 5


def test_without_a_governor_it_is_not_over() -> None:
    draining = Draining({0: 5}, 5)
    draining.sample(1.0, {0: 5}, {0: 5})
    assert not draining.is_over
    assert draining.summary()["state"] is None


def test_the_producer_does_not_go_on_before_the_burst_is_taken() -> None:
    draining = Draining({0: 5}, 5)
    draining.sample(6.55, {0: 5}, {0: 5})
    draining.decided(6.54, ACTIVE, "lag 0")
    assert draining.active_after == 6.55
