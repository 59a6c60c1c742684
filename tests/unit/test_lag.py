from aimesh.core.lag import Sample, Work, extended, is_growing, judge, seconds_behind, trend


def window(*pairs: tuple[int, int], step: float = 2.0) -> list[Sample]:
    """Return samples of (end, committed), ``step`` seconds apart."""
    return [Sample(100.0 + i * step, end, done) for i, (end, done) in enumerate(pairs)]


IDLE = window((5, 5), (5, 5), (5, 5))


def test_no_samples_are_never_ok() -> None:
    assert judge([], 1, None).word == "UNKNOWN"


def test_too_few_samples_are_never_ok() -> None:
    assert judge(IDLE[:2], 1, None).word == "UNKNOWN"


def test_samples_over_too_short_a_time_are_never_ok() -> None:
    assert judge(window((5, 5), (5, 5), (5, 5), step=0.1), 1, None).word == "UNKNOWN"


def test_an_unknown_number_of_members_is_never_ok() -> None:
    assert judge(IDLE, None, None).word == "UNKNOWN"


def test_an_idle_hop_is_ok() -> None:
    assert judge(IDLE, 1, None).word == "OK"


def test_a_hop_without_members_is_stopped_even_without_lag() -> None:
    assert judge(IDLE, 0, None).word == "STOPPED"


def test_a_hop_that_works_off_what_comes_is_ok() -> None:
    verdict = judge(window((10, 5), (20, 15), (30, 25), (40, 35)), 1, None)
    assert verdict.word == "OK"


def test_lag_that_grows_over_the_whole_window_is_a_warning() -> None:
    verdict = judge(window((10, 9), (20, 12), (30, 15), (40, 18), (50, 21), (60, 24)), 1, None)
    assert (verdict.word, verdict.trend) == ("WARN", "up")


def test_a_still_offset_behind_a_young_job_is_busy() -> None:
    still = window(*[(10, 4)] * 7)
    assert judge(still, 1, Work(open=2, oldest_s=12, deadline_s=60)).word == "BUSY"


def test_a_still_offset_without_any_job_is_a_stall() -> None:
    verdict = judge(window(*[(10, 4)] * 7), 1, Work(open=0, oldest_s=0, deadline_s=60))
    assert verdict.word == "STALL"
    assert "6 messages wait" in verdict.reason


def test_a_job_past_its_deadline_is_a_stall_even_without_lag() -> None:
    verdict = judge(IDLE, 1, Work(open=1, oldest_s=61, deadline_s=60, waiting="ollama: down"))
    assert verdict.word == "STALL"
    assert "ollama: down" in verdict.reason


def test_seconds_behind_count_from_when_the_oldest_waiting_message_came() -> None:
    # message 6 (offset 5) came between the second and the third sample
    samples = window((5, 5), (5, 5), (6, 5), (7, 5), (8, 5))
    assert seconds_behind(samples) == 6.0


def test_seconds_behind_are_zero_without_lag() -> None:
    assert seconds_behind(IDLE) == 0.0


def test_trend_looks_at_the_last_ten_seconds_only() -> None:
    assert trend(window((50, 0), (50, 30), (50, 30), (50, 30), (50, 30), (50, 30), (50, 30))) == (
        "flat"
    )


def test_a_window_that_shrank_in_between_is_not_growing() -> None:
    assert not is_growing(window((10, 0), (20, 0), (5, 0), (6, 0), (9, 0), (12, 0)))


def test_extending_drops_what_is_older_than_the_horizon() -> None:
    assert [s.ts for s in extended(window((1, 1), (2, 2)), Sample(161.0, 3, 3), 60.0)] == [
        102.0,
        161.0,
    ]


def test_extending_after_a_clock_set_back_drops_the_future() -> None:
    assert [s.ts for s in extended(window((1, 1), (2, 2)), Sample(101.0, 3, 3), 60.0)] == [
        100.0,
        101.0,
    ]
