from aimesh.core.governing import ACTIVE, THROTTLED, decide


def test_below_the_threshold_the_producer_is_active_with_room_up_to_it() -> None:
    decision = decide(None, 1, 3, 10.0)
    assert (decision.state, decision.room, decision.changed) == (ACTIVE, 2, True)


def test_at_the_threshold_the_producer_is_throttled_and_told_the_figures() -> None:
    decision = decide(None, 3, 3, 10.0)
    assert (decision.state, decision.room) == (THROTTLED, 0)
    assert "lag 3" in decision.reason
    assert "threshold of 3" in decision.reason


def test_an_unknown_lag_throttles() -> None:
    decision = decide(decide(None, 0, 3, 10.0), None, 3, 11.0)
    assert (decision.state, decision.room, decision.changed) == (THROTTLED, 0, True)


def test_a_state_that_stays_keeps_the_time_since_when() -> None:
    first = decide(None, 0, 3, 10.0)
    second = decide(first, 2, 3, 20.0)
    assert (second.changed, second.since) == (False, 10.0)


def test_below_the_threshold_again_it_resumes() -> None:
    throttled = decide(None, 9, 3, 10.0)
    resumed = decide(throttled, 2, 3, 20.0)
    assert (resumed.state, resumed.changed, resumed.since) == (ACTIVE, True, 20.0)
