"""What stands for open pages and for agents: clients that count, and tasks that are made up."""

from itertools import islice

import orjson
import pytest

from aimesh.core.feed import kind_of
from aimesh.services.feed import StreamEvent
from aimesh.topics import CARRIES, REVIEWS, TASKS
from aimesh.views.streams import frames
from bench.readers import Counter, Got
from bench.task_traffic import UNDER_WAY, Tasks, way

EVENTS = frames([StreamEvent(f"tag-{n}", "line", b'{"kind":"line"}') for n in range(10)])


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 50, len(EVENTS)])
def test_events_are_counted_once_however_the_stream_is_cut(size: int) -> None:
    counter = Counter()
    for start in range(0, len(EVENTS), size):
        counter.feed(EVENTS[start : start + size])
    assert counter.count == 10


def test_the_client_that_got_least_is_told() -> None:
    got = Got(events={0: 5, 1: 3})
    got.late_ms.extend([9000.0, 10.0, 30.0])
    got.told_at.extend([99.0, 100.0, 101.0])
    # what was told before does not count
    assert got.summary(since=100.0) == {
        "clients": 2, "least": 3, "all": 8, "broken": 0,
        "late_p50_ms": 10.0, "late_p95_ms": 30.0, "state_p95_ms": 0.0,
    }  # fmt: skip


def _topics(attempts: int) -> list[str]:
    return [told.topic for told in way("b-1", 1, attempts) if CARRIES[told.topic] != "line"]


def test_a_task_goes_through_all_topics_to_its_review() -> None:
    assert [CARRIES[t] for t in _topics(1)] == ["task", "solution", "verdict", "review"]
    assert [CARRIES[t] for t in _topics(2)] == [*["task", "solution", "verdict"] * 2, "review"]


def test_what_is_told_is_part_of_the_feed_and_new_on_the_page_at_most_once() -> None:
    told = list(islice(Tasks(seed=3).messages(), 3000))
    assert all(kind_of(CARRIES[one.topic], orjson.loads(one.value)) for one in told)
    marks = [one.mark for one in told if one.mark]
    assert len(marks) == len(set(marks)) > 2000


def test_few_tasks_are_under_way_at_the_same_time() -> None:
    open_now: set[bytes] = set()
    most = 0
    for one in islice(Tasks(seed=3).messages(), 3000):
        if one.topic == TASKS:
            open_now.add(one.key)
        elif one.topic == REVIEWS:
            open_now.discard(one.key)
        most = max(most, len(open_now))
    assert 1 < most <= UNDER_WAY
