"""What happened to a task is told line by line."""

from __future__ import annotations

import pytest

from aimesh.core.feed import FeedEvent
from aimesh.core.tasks import fold
from aimesh.core.timeline import age, seconds_between, timeline


def event(kind: str, second: int, **data: object) -> FeedEvent:
    at = f"2026-01-01T00:00:{second:02}.000Z"
    return FeedEvent(kind, at, f"topic_{kind}", 0, second, "t", {"task_id": "t", **data})


WAY = [
    event("task", 0, task="Add.", source="submit"),
    event("solution", 1, attempt=1, model="m", duration_s=0.5, output_tokens=7),
    event("verdict", 2, attempt=1, verdict="failed", success=False, wall_s=0.1,
          error="Traceback\n  line\nValueError: no\n"),
    event("task", 3, attempt=2, source="sandbox"),
    event("verdict", 5, attempt=2, verdict="passed", success=True, wall_s=0.2, cases_passed=2,
          cases_total=2),
    event("solution", 4, attempt=2, model="m", duration_s=1.0),
    event("review", 6, success=True, model="m", duration_s=2.0, output_tokens=3),
]  # fmt: skip


def test_the_steps_stand_in_order_of_time() -> None:
    state = None
    for each in WAY:
        state = fold(state, each)
    assert state is not None
    assert [(step.who, step.attempt, step.what) for step in timeline(state)] == [
        ("task", 1, "asked by submit"),
        ("consumer", 1, "solved by m in 0.5 s, 7 tokens"),
        ("sandbox", 1, "failed (0.10 s): ValueError: no"),
        ("task", 2, "a fix is asked for"),
        ("consumer", 2, "solved by m in 1.0 s"),
        ("sandbox", 2, "passed (0.20 s, 2 of 2 cases)"),
        ("reviewer", None, "reviewed as passed by m in 2.0 s, 3 tokens"),
    ]
    assert timeline(state)[0].ref == "topic_task/0/0"


def test_a_dead_letter_is_the_end_of_it() -> None:
    state = fold(None, event("dead_letter", 1, error="\nno JSON\nmore", topic="ai_topic"))
    [step] = timeline(state)
    assert (step.who, step.what) == ("dead letter", "no JSON")


@pytest.mark.parametrize(("seconds", "said"), [
    (0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (2e5, "2 d"),
    (-3, "0 s"),
])  # fmt: skip
def test_spans_of_time_are_said_as_people_do(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_seconds_between_times_that_are_none_are_none() -> None:
    assert seconds_between("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.500Z") == 1.5
    assert seconds_between("", "2026-01-01T00:00:01Z") == 0.0
    # one that tells no zone is in UTC
    assert seconds_between("2026-01-01T00:00:00", "2026-01-01T00:00:01.500Z") == 1.5
