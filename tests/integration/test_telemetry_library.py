import asyncio
import json
import uuid
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from aimesh.core.telemetry import ERRORS_TOPIC, AgentMessage, DetailedError, queue_topic
from aimesh.core.trace import parse_traceparent
from aimesh.embedded.ports import free_port
from aimesh.telemetry import Telemetry


@pytest.fixture
def prefix() -> str:
    return f"lib-{uuid.uuid4().hex[:8]}."


async def read(bootstrap: str, topic: str, count: int) -> list[Any]:
    """Return the first messages of a topic."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None
    )
    async with consumer, asyncio.timeout(20):
        return [await consumer.getone() for _ in range(count)]


async def test_a_message_arrives_in_a_queue_that_nobody_made(kafka: str, prefix: str) -> None:
    async with Telemetry(kafka, agent="planner", prefix=prefix) as telemetry:
        sent = telemetry.send_to_agent(
            "Data Analyst", {"question": "why?", "api_key": "abc"}, reason="it knows", ttl_seconds=5
        )
        assert await telemetry.flush(20)
    (found,) = await read(kafka, queue_topic("Data Analyst", prefix), 1)
    message = AgentMessage.read(json.loads(found.value))
    assert message == sent
    assert message.payload == {"question": "why?", "api_key": "[redacted]"}
    assert (message.source_agent, message.target_agent) == ("planner", "Data Analyst")
    headers = dict(found.headers)
    assert parse_traceparent(headers["traceparent"].decode()) == (
        message.trace_id,
        message.span_id,
    )
    assert telemetry.counts == {"sent": 1}


async def test_answers_belong_to_the_task_and_its_trace(kafka: str, prefix: str) -> None:
    async with Telemetry(kafka, agent="coder", prefix=prefix) as telemetry:
        task = AgentMessage(
            message_id="m1",
            source_agent="planner",
            timestamp="2026-01-01T00:00:00.000Z",
            trace_id="not hexadecimal",
        )
        telemetry.reply(task, {"code": "x"})
        telemetry.reply(task, {"why": "no"}, failed=True)
    found = await read(kafka, queue_topic("planner", prefix), 2)
    result, error = (AgentMessage.read(json.loads(m.value)) for m in found)
    assert (result.message_type, error.message_type) == ("result", "error")
    assert result.parent_message_id == error.parent_message_id == "m1"
    assert result.trace_id == "not hexadecimal"
    assert parse_traceparent(dict(found[0].headers)["traceparent"].decode())


async def test_an_exception_is_told_with_its_cause_and_leaves_unchanged(
    kafka: str, prefix: str
) -> None:
    async with Telemetry(kafka, agent="coder", prefix=prefix, environment="test") as telemetry:
        with (
            telemetry.following("a" * 32),
            pytest.raises(ConnectionError),
            telemetry.recording("look-up", tool_name="search", input_data={"password": "hunter22"}),
        ):
            raise ConnectionError("refused: Bearer abcdef0123456789")
    (found,) = await read(kafka, prefix + ERRORS_TOPIC, 1)
    assert b"hunter22" not in found.value
    assert b"abcdef0123456789" not in found.value
    error = DetailedError.read(json.loads(found.value))
    assert error.category == "network_error"
    assert error.is_retryable
    assert error.suggested_fixes
    assert error.trace_id == "a" * 32
    assert (error.operation, error.tool_name) == ("look-up", "search")
    assert error.environment == "test"
    assert error.stack_trace
    assert "ConnectionError" in error.stack_trace


async def test_an_agent_may_tell_from_any_thread(kafka: str, prefix: str) -> None:
    async with Telemetry(kafka, agent="tool", prefix=prefix) as telemetry:
        await asyncio.gather(
            *(asyncio.to_thread(telemetry.record_error, f"number {n}") for n in range(20))
        )
        assert await telemetry.flush(20)
    found = await read(kafka, prefix + ERRORS_TOPIC, 20)
    assert len({json.loads(message.value)["error_id"] for message in found}) == 20


async def test_without_a_broker_nothing_is_raised_and_what_is_lost_is_counted() -> None:
    telemetry = Telemetry(f"127.0.0.1:{free_port()}", agent="lonely", room=3)
    telemetry.record_error("too early")
    await telemetry.start()
    for _ in range(5):
        assert telemetry.send_to_agent("nobody", {}) is not None
    telemetry.record_error_from_exception(ValueError("x"))
    assert not await telemetry.flush(0.1)
    await telemetry.close(timeout=0.1)
    assert telemetry.counts == {
        "dropped.not_started": 1,
        "dropped.full": 3,
        "dropped.closed": 3,
    }


async def test_what_cannot_be_a_record_is_counted_and_not_raised(kafka: str, prefix: str) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    async with Telemetry(kafka, agent="odd", prefix=prefix) as telemetry:
        assert telemetry.send_to_agent("x", message_type="order") is None
        assert telemetry.record_error("x", severity="awful") is None
        assert telemetry.record_error_from_exception(Hostile()) is None
        assert telemetry.send_to_agent("x", {"blob": "x" * 1_000_000}) is not None
    assert telemetry.counts["dropped.invalid"] == 3
    assert telemetry.counts["dropped.too_large"] == 1
