import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from aimesh.core.telemetry import ERRORS_TOPIC
from aimesh.services.agent_topics import Digester

CHANNELS = {
    "p.ai_topic": "task",
    "p.ai_telemetry": "line",
    "p.ai_verdict": "verdict",
    "p.ai_persistence": "review",
    "p.ai_dead_letters": "dead_letter",
}
DIGESTER = Digester("p.", CHANNELS)
HEADER = ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")


def digested(
    value: Any,
    topic: str = "p.agent-queue-writer",
    *,
    headers: tuple[tuple[str, bytes], ...] = (),
    key: bytes | None = None,
) -> Any:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    record: ConsumerRecord[bytes, bytes] = ConsumerRecord(
        topic, 1, 7, 1_767_225_600_000, 0, key, raw, None, 0, len(raw), headers
    )
    return DIGESTER.entry(record)


@pytest.mark.parametrize(
    ("topic", "fits"),
    [
        ("p.agent-queue-writer", True),
        ("p.agent-queue-", False),
        ("p.agent-telemetry-errors", True),
        ("p.ai_topic", True),
        ("p.ai_topics", False),
        ("agent-queue-writer", False),
        ("q.p.agent-queue-writer", False),
    ],
)
def test_topics_are_told_by_their_names(topic: str, fits: bool) -> None:
    assert bool(re.match(DIGESTER.pattern, topic)) is fits


def test_what_a_message_leaves_out_comes_from_its_place_in_the_log() -> None:
    kind, topic, partition, offset, record = digested(
        {"source_agent": "planner", "message_type": "task"}, headers=(HEADER,)
    )
    assert (kind, topic, partition, offset) == ("message", "p.agent-queue-writer", 1, 7)
    assert record["message_id"] == "x-p.agent-queue-writer-1-7"
    assert record["timestamp"] == "2026-01-01T00:00:00.000Z"
    assert (record["trace_id"], record["span_id"]) == ("a" * 32, "b" * 16)
    assert (record["queue"], record["target_agent"]) == ("writer", "writer")
    assert record["ref"] == "p.agent-queue-writer/1/7"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xfe", "it is not JSON"),
        (b"", "it is not JSON"),
        ([1], "it is not a JSON object but list"),
        ({}, "field 'source_agent' is missing"),
        ({"source_agent": "a", "message_type": "order"}, "'message_type' is 'order'"),
        ({"source_agent": "a", "payload": 5}, "'payload' must be dict"),
    ],
)
def test_what_is_no_message_is_kept_with_the_reason(value: Any, reason: str) -> None:
    kind, *_, record = digested(value)
    assert kind == "undecodable"
    assert reason in record["reason"]
    assert (record["topic"], record["offset"]) == ("p.agent-queue-writer", 7)


def test_secrets_of_agents_that_do_not_redact_are_taken_out() -> None:
    *_, record = digested(
        {"source_agent": "a", "payload": {"password": "hunter22"}, "reason": "sk-" + "a1" * 10}
    )
    assert "hunter22" not in str(record)
    assert "a1a1" not in str(record)


def test_large_values_are_cut_and_say_so() -> None:
    *_, record = digested({"source_agent": "a", "payload": {"text": "x" * 100_000}})
    assert len(record["payload"]["cut"]) < 5000
    assert record["payload"]["bytes"] > 100_000
    *_, record = digested(
        {"stack_trace": "x" * 100_000 + "the end", "suggested_fixes": ["y" * 10_000] * 100},
        "p." + ERRORS_TOPIC,
        key=b"writer",
    )
    assert len(json.dumps(record)) < 100_000
    assert record["stack_trace"].endswith("the end")
    assert record["agent_name"] == "writer"


def test_of_the_mesh_only_what_a_trace_needs_is_kept() -> None:
    kind, *_, record = digested({"task": "sort a list"}, "p.ai_topic")
    assert kind == "event"
    assert record["task_id"] == "x-p.ai_topic-1-7"
    assert record["data"] == {"task": "sort a list"}
    assert digested({"type": "log", "message": "x", "task_id": "t"}, "p.ai_telemetry") is None
    started = {"type": "event", "name": "started", "agent": "consumer", "task_id": "t"}
    *_, record = digested({**started, "data": {"attempt": 2}}, "p.ai_telemetry")
    assert (record["kind"], record["attempt"], record["agent"]) == ("started", 2, "consumer")
    assert digested(b"not json", "p.ai_topic") is None


def test_a_dead_letter_brings_its_own_place_and_the_one_it_comes_from() -> None:
    said = {"original-topic": "p.ai_topic", "original-partition": "0", "original-offset": "15",
            "exception-fqcn": "Rejected", "exception-message": "it is not JSON"}  # fmt: skip
    headers = tuple((f"kafka_dlt-{name}", text.encode()) for name, text in said.items())
    kind, *_, record = digested(b"\xff", "p.ai_dead_letters", headers=headers)
    assert (kind, record["task_id"]) == ("event", "x-p.ai_topic-0-15")
    assert record["data"]["origin"] == "p.ai_topic/0/15"
    assert record["ref"] == "p.ai_dead_letters/1/7"


def test_a_dead_letter_of_somebody_else_has_no_place_that_it_comes_from() -> None:
    *_, record = digested(b"{}", "p.ai_dead_letters", key=b"t")
    assert "origin" not in record["data"]
    assert record["ref"] == "p.ai_dead_letters/1/7"


def test_a_verdict_brings_its_place() -> None:
    verdict = {"task_id": "t", "task": "x", "verdict": "failed", "attempt": 2}
    *_, record = digested(verdict, "p.ai_verdict")
    assert (record["attempt"], record["ref"]) == (2, "p.ai_verdict/1/7")


def test_what_is_calculated_with_later_is_a_time_or_a_number_or_left_out() -> None:
    line = {"type": "event", "name": "done", "agent": "consumer", "task_id": "t"}
    wrong = {"duration_s": "long", "tries": [2], "error": "e"}
    *_, record = digested({**line, "ts": "at noon", "data": wrong}, "p.ai_telemetry")
    assert record["at"] == "2026-01-01T00:00:00.000Z"  # the message's own
    assert record["data"] == {"error": "e"}
    *_, record = digested({**line, "ts": "2026-07-01T14:00:00+02:00"}, "p.ai_telemetry")
    assert record["at"] == "2026-07-01T12:00:00.000Z"
    review = {"task_id": "t", "task": "x", "duration_s": 1.5}
    *_, record = digested({**review, "created_at": "at noon"}, "p.ai_persistence")
    assert record["data"] == {"duration_s": 1.5}
    assert digested({**review, "input_tokens": "5"}, "p.ai_persistence") is None


@pytest.mark.parametrize(
    "topic", ["p.agent-queue-writer", "p.ai_topic", "p.agent-telemetry-errors"]
)
@pytest.mark.parametrize("timestamp", [-1, 0, 1 << 62, None])
def test_an_absurd_time_of_a_message_keeps_nobody_from_reading_on(
    topic: str, timestamp: int | None
) -> None:
    message: Any = SimpleNamespace(
        topic=topic, partition=0, offset=1, key=None, headers=(), timestamp=timestamp,
        value=b'{"task": "t", "source_agent": "a", "error_message": "e"}',
    )  # fmt: skip
    assert DIGESTER.entry(message) is not None
