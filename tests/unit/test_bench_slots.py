"""The share of busy time is worked out rightly."""

from bench.slots import busy_share


def test_a_pause_between_answers_is_not_busy() -> None:
    changes = [(0.0, 0), (0.0, 1), (1.0, 0), (2.0, 1), (3.0, 0), (4.0, 1), (5.0, 0)]
    assert busy_share(changes, 1) == 0.5


def test_the_time_before_all_slots_and_after_the_backlog_does_not_count() -> None:
    changes = [(0.0, 0), (1.0, 1), (2.0, 2), (5.0, 1), (5.0, 2), (6.0, 1), (6.0, 2), (9.0, 1)]
    # five answers begin; while the last two are under way nothing waits
    assert busy_share([*changes, (9.0, 2), (20.0, 0)], 2) == 1.0
