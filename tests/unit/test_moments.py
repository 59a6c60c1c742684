"""Whatever time a message claims to be from, it can be told."""

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
