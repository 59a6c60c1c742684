"""Whatever time a message claims to be from, it can be told."""

from random import Random

import pytest

from aimesh.core.moments import moment_of, rfc3339, seconds_of, time_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "1970-01-01T00:00:00.000Z"),
        (1_767_225_600.5, "2026-01-01T00:00:00.500Z"),
        (9.2e15, "9999-12-31T23:59:59.000Z"),
        (float("inf"), "9999-12-31T23:59:59.000Z"),
        (-9.2e15, "0001-01-01T00:00:00.000Z"),
        (float("nan"), "1970-01-01T00:00:00.000Z"),
    ],
)
def test_any_number_is_a_time(seconds: float | None, text: str) -> None:
    assert time_text(seconds) == text
    assert moment_of(seconds).tzinfo is not None


def test_a_time_counts_in_seconds() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert seconds_of("1970-01-01T00:01:00") == 60
    assert rfc3339(moment_of(60)) == "1970-01-01T00:01:00.000Z"


def test_a_number_is_told_as_its_date_is() -> None:
    random = Random(1)
    times = [random.randrange(0, 4_102_444_800_000) / 1000 for _ in range(2000)]  # until 2100
    times += [random.uniform(-1e9, 4e9) for _ in range(2000)] + [1.9999999, 59.9996, -0.0004]
    assert [time_text(t) for t in times] == [rfc3339(moment_of(t)) for t in times]
