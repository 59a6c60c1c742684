"""Whatever a program wrote as a dead letter can be shown."""

import pytest
from aiokafka import ConsumerRecord

from aimesh.dead_letters import PREFIX
from aimesh.services.letters import letter_of


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (1_767_225_600_500, "2026-01-01T00:00:00.500Z"),
        (2**63 - 1, "9999-12-31T23:59:59.000Z"),
        (-(2**63), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_letter_from_any_time_is_shown(timestamp: int, at: str) -> None:
    record = ConsumerRecord("dead", 0, 7, timestamp, 0, None, b"junk", None, -1, 4, ())
    assert letter_of(record, "aimesh-", {}).at == at


def test_a_letter_with_an_offset_that_no_place_has_is_listed_without_a_place() -> None:
    place = {"topic": b"ai_topic", "partition": b"0", "offset": b"9" * 5000}
    headers = tuple((f"{PREFIX}original-{name}", text) for name, text in place.items())
    record = ConsumerRecord("dead", 0, 3, 0, 0, b"t1", b"{", None, 2, 1, headers)
    summary = letter_of(record, "aimesh-", {}).summary()
    assert (summary["origin"], summary["task_id"]) == ("", "t1")
