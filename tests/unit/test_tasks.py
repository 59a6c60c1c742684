import itertools
from dataclasses import replace
from typing import Any

from aimesh.core.feed import FeedEvent
from aimesh.core.tally import MOST_GAPS, MOST_RECENT, Tally
from aimesh.core.tasks import DEAD, IN_FLIGHT, REVIEWED, fold


def event(kind: str, offset: int = 0, **data: Any) -> FeedEvent:
    """Return an event of task t at second ``offset``."""
    at = f"2026-01-01T00:00:{offset:02d}.000Z"
    return FeedEvent(kind, at, f"topic-of-{kind}", 0, offset, "t", {"task_id": "t", **data})


WAY = [
    event("task", 1, task="sort", attempt=1, source="submit"),
    event("solution", 2, task="sort", attempt=1, model="m"),
    event("verdict", 3, task="sort", attempt=1, success=False, final=False, verdict="failed"),
    event("task", 4, task="sort", attempt=2, source="sandbox"),
    event("solution", 5, task="sort", attempt=2, model="m"),
    event("verdict", 6, task="sort", attempt=2, success=True, final=True, verdict="passed"),
    event("review", 7, task="sort", success=True, attempts=2),
]


def folded(events: Any) -> dict[str, Any]:
    state: dict[str, Any] | None = None
    for item in events:
        state = fold(state, item)
    assert state is not None
    return state


def test_a_whole_way_ends_reviewed_with_both_attempts() -> None:
    state = folded(WAY)
    assert state["outcome"] == REVIEWED
    assert state["source"] == "submit"
    assert sorted(state["attempts"]) == ["1", "2"]
    assert state["attempts"]["1"]["verdict"]["success"] is False
    assert state["attempts"]["2"]["solution"]["ref"] == "topic-of-solution/0/5"


def test_the_order_of_events_does_not_matter() -> None:
    expected = folded(WAY)
    for events in itertools.islice(itertools.permutations(WAY), 0, 5040, 97):
        assert folded(events) == expected


def test_an_event_folded_in_twice_changes_nothing() -> None:
    assert folded([item for item in WAY for _ in range(2)]) == folded(WAY)


def test_without_an_end_a_task_is_in_flight() -> None:
    assert folded(WAY[:-1])["outcome"] == IN_FLIGHT


def test_a_dead_letter_ends_a_task_and_a_later_review_outweighs_it() -> None:
    dead = event("dead_letter", 8, error="crashed")
    assert folded([*WAY[:-1], dead])["outcome"] == DEAD
    assert folded([*WAY, dead])["outcome"] == REVIEWED


def test_the_newest_word_of_every_agent_is_kept() -> None:
    lines = [
        event("line", 9, type="event", agent="consumer", name="done", ts="2026-01-01T00:00:09Z"),
        event("line", 8, type="event", agent="consumer", name="started", ts="2026-01-01T00:00:08Z"),
    ]
    assert folded([WAY[0], *lines])["events"]["consumer"]["what"] == "done"


def test_an_event_that_is_delivered_again_is_counted_once() -> None:
    tally = Tally()
    assert [tally.add(item) for item in WAY] == [True] * 7
    assert [tally.add(item) for item in WAY] == [False] * 7
    assert tally.counts["tasks"] == 1
    assert tally.counts["fix_requests"] == 1
    assert tally.counts["passed"] == 1
    assert tally.counts["passed_first"] == 0
    assert tally.counts["reviewed"] == 1


def test_an_event_that_others_overtook_is_counted_once_when_it_comes() -> None:
    tally = Tally()
    order = [3, 9, 5, 5, 4, 6, 3, 0, 9, 8, 7, 1, 2, 7]
    new = [tally.add(event("solution", number)) for number in order]
    assert [number for number, is_new in zip(order, new, strict=True) if is_new] == [
        3, 9, 5, 4, 6, 0, 8, 7, 1, 2,
    ]  # fmt: skip
    assert tally.counts["solutions"] == 10
    assert tally.gaps == {"topic-of-solution-0": []}


def test_a_tally_remembers_few_gaps() -> None:
    tally = Tally()
    for number in range(0, 4 * MOST_GAPS, 2):
        tally.add(replace(event("solution"), offset=number))
    assert len(tally.gaps["topic-of-solution-0"]) == MOST_GAPS
    assert not tally.add(replace(event("solution"), offset=1))


def test_a_tally_of_an_older_version_is_read() -> None:
    stored = Tally().stored() | {"origins": {"topic-of-task-0": 5}}
    del stored["gaps"]
    tally = Tally.restored(stored)
    assert not tally.add(WAY[0])
    assert tally.add(event("task", 7, attempt=1))


def test_a_tally_is_the_same_after_being_stored() -> None:
    tally = Tally()
    for item in WAY:
        tally.add(item)
    tally.note("now", "t")
    again = Tally.restored(tally.stored())
    assert again == tally
    assert not again.add(WAY[-1])


def test_a_task_that_newer_ones_pushed_off_the_list_does_not_come_back() -> None:
    tally = Tally()
    for number in range(MOST_RECENT + 1):
        tally.note(f"{number:04}", f"t-{number}")
    before = list(tally.recent)
    tally.note("0000", "t-0")
    assert tally.recent == before
    assert before[0] == ["0001", "t-1"]


def test_errors_and_events_are_counted_by_agent() -> None:
    tally = Tally()
    tally.add(event("line", 1, type="log", agent="reviewer", level="error", message="no"))
    tally.add(event("line", 2, type="event", agent="reviewer", level="info", name="done"))
    assert tally.counts["errors.reviewer"] == tally.counts["errors"] == 1
    assert tally.counts["events.reviewer.done"] == 1
