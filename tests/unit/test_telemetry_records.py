from typing import Any

import pytest

from aimesh.core.telemetry import AgentMessage, DetailedError, queue_topic
from aimesh.errors import InvalidRecordError

MESSAGE = {
    "message_id": "m1",
    "source_agent": "planner",
    "timestamp": "2026-01-02T03:04:05.678Z",
}


def test_a_message_needs_no_more_than_its_id_source_and_time() -> None:
    message = AgentMessage.read(MESSAGE)
    assert message.message_type == "task"
    assert message.priority == "normal"
    assert message.payload == {}
    assert AgentMessage.read(message.stored()) == message


def test_what_the_message_of_kafka_knows_fills_what_is_left_out() -> None:
    message = AgentMessage.read(
        {"message_type": "result", "message_id": None},
        message_id="x-q-0-7",
        source_agent="?",
        timestamp="2026-01-02T03:04:05Z",
    )
    assert message.message_id == "x-q-0-7"
    assert message.timestamp == "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T05:04:05.5+02:00", "2026-01-02T03:04:05.500Z"),
        ("2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05.123Z"),
    ],
)
def test_a_time_is_kept_in_one_form_and_one_without_a_zone_is_utc(given: str, kept: str) -> None:
    assert AgentMessage.read({**MESSAGE, "timestamp": given}).timestamp == kept


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"message_type": "order"}, "'message_type' is 'order'"),
        ({"priority": 3}, "'priority' must be str, not int"),
        ({"payload": "text"}, "'payload' must be dict, not str"),
        ({"ttl_seconds": True}, "'ttl_seconds' must be int or float, not bool"),
        ({"ttl_seconds": -1}, "'ttl_seconds' is -1"),
        ({"timestamp": "yesterday"}, "'timestamp' is 'yesterday'"),
        ({"timestamp": "9999-12-31T23:59:59-23:00"}, "it takes an RFC 3339 time"),
        ({"source_agent": ""}, "'source_agent' is missing"),
        ({"trace_id": "t" * 300}, "'trace_id' has more than 200"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_has(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRecordError, match=said):
        AgentMessage.read({**MESSAGE, **change})


def test_words_of_a_choice_may_come_in_capitals() -> None:
    read = AgentMessage.read({**MESSAGE, "message_type": "RESULT", "priority": "High"})
    assert (read.message_type, read.priority) == ("result", "high")


def test_defaults_are_not_shared_between_records() -> None:
    first = DetailedError.read({"error_id": "1", "timestamp": "2026-01-02T03:04:05Z"})
    second = DetailedError.read({"error_id": "2", "timestamp": "2026-01-02T03:04:05Z"})
    assert first.input_data is not second.input_data


def test_a_queue_is_named_after_its_agent() -> None:
    assert queue_topic("Data Analyst") == "agent-queue-data-analyst"
    assert queue_topic("käse/1", "p.") == "p.agent-queue-k-se-1"
    assert len(queue_topic("x" * 500)) == 249
