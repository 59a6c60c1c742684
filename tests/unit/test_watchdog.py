"""The watchdog sees what is stuck, and leaves alone what is only idle or waiting."""

import pytest

from aimesh.core.watchdog import Look, Watch, counted


def look(**seen: object) -> Look:
    fields: dict[str, object] = {
        "settling": False, "progress": 0, "committed": 5, "lag": 0, "working": False,
    }  # fmt: skip
    return Look(**(fields | seen))  # type: ignore[arg-type]


def reasons(*looks: Look, limit: float = 60.0, seconds: float = 10.0) -> list[str]:
    watch = Watch(limit)
    return [watch.look(seen, seconds) for seen in looks]


def test_partitions_that_are_never_assigned_are_stuck() -> None:
    found = reasons(*[look(settling=True)] * 7)
    assert found[:6] == [""] * 6
    assert found[6] == "for 60 s its partitions are being assigned or its tables read"


def test_offsets_that_stand_still_while_messages_wait_are_stuck() -> None:
    found = reasons(*[look(lag=3 + n) for n in range(7)])
    assert found[:6] == [""] * 6
    assert "acknowledged nothing" in found[6]
    assert "9 messages wait" in found[6]


@pytest.mark.parametrize(
    "looks",
    [
        [look()] * 20,
        [look(committed=n, lag=3) for n in range(20)],
        [look(lag=3, working=True)] * 20,
        [look(settling=True, progress=n) for n in range(20)],
        [look(settling=bool(n % 3)) for n in range(20)],
        [look(lag=n % 2) for n in range(20)],
        [look(lag=20 - n) for n in range(20)],
    ],
    ids=[
        "idle",
        "working off a backlog",
        "waiting for a service with a backlog",
        "reading a long changelog",
        "settling again and again, but not for long",
        "a trickle",
        "falling lag",
    ],
)
def test_what_gets_on_or_has_nothing_to_do_is_left_alone(looks: list[Look]) -> None:
    assert set(reasons(*looks)) == {""}


def test_progress_begins_the_count_anew() -> None:
    stuck = [look(lag=3)] * 6
    assert set(reasons(*stuck, look(lag=3, committed=6), *[look(lag=3, committed=6)] * 5)) == {""}


def test_what_was_away_is_an_excuse() -> None:
    watch = Watch(60)
    for _ in range(6):
        assert watch.look(look(lag=3), 10) == ""
    watch.excuse()
    for _ in range(6):
        assert watch.look(look(lag=3), 10) == ""
    assert watch.look(look(lag=3), 10) != ""


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    assert counted(10.2, 10.0) == 10.2
    assert counted(29.0, 10.0) == 29.0
    assert counted(31.0, 10.0) == 0.0
    assert counted(7200.0, 10.0) == 0.0
