"""Messages in the crew's queues: how they are taken in, and how they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faust

from aimesh import codec
from aimesh.core import trace
from aimesh.core.crew import answer_id, trace_of
from aimesh.core.identity import derived_id
from aimesh.core.moments import time_text
from aimesh.core.redaction import redact
from aimesh.core.telemetry import ERRORS_TOPIC, AgentMessage, DetailedError, queue_topic
from aimesh.errors import InvalidRecordError
from aimesh.records import now
from aimesh.stage import Rejected, Send


class QueueMessage(
    faust.Record, namespace="aimesh.QueueMessage", serializer="json", include_metadata=False
):
    """An `AgentMessage` as it travels; ``task_id`` is its own id, by which a stage knows it."""

    message_id: str | None = None
    source_agent: str | None = None
    target_agent: str | None = None
    message_type: str | None = None
    priority: str | None = None
    payload: dict[str, Any] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_message_id: str | None = None
    reason: str | None = None
    timestamp: str | None = None
    ttl_seconds: float | None = None
    task_id: str = ""

    def message(self) -> AgentMessage:
        """Return the message.

        Raises:
            InvalidRecordError: names the field that cannot be used.
        """
        return AgentMessage.read(self.asdict())


def taken(record: QueueMessage, message: Any, agent: str) -> QueueMessage:
    """Return a queue's message with all that it left out, from where it was read.

    Raises:
        Rejected: it is none; says which field cannot be used.
    """
    place = trace.place_in(message.headers)
    try:
        values = AgentMessage.checked(
            record.asdict(),
            message_id=derived_id(message.topic, message.partition, message.offset),
            target_agent=agent,
            timestamp=time_text(max(0.0, message.timestamp or 0.0)),
            trace_id=place[0] if place else None,
        )
    except InvalidRecordError as exc:
        raise Rejected(str(exc)) from exc
    return QueueMessage(**values, task_id=values["message_id"])


class Post:
    """Makes the messages that an agent of the crew sends.

    Arguments:
        agent: its name.
        prefix: of all topics' names.
    """

    def __init__(self, agent: str, prefix: str) -> None:
        self.agent = agent
        self._prefix = prefix

    def message(self, target: str, payload: Mapping[str, Any], **fields: Any) -> AgentMessage:
        """Return a message to another agent; ``fields`` are those of `AgentMessage`."""
        name = fields["message_id"]
        return AgentMessage.read(
            {
                "source_agent": self.agent,
                "target_agent": target,
                "payload": redact(dict(payload)),
                "timestamp": now(),
                "span_id": trace.span_id(name),
                **fields,
                "reason": redact(fields.get("reason")),
            }
        )

    def reply(self, task: AgentMessage, payload: Mapping[str, Any], *, ok: bool) -> Send:
        """Return the answer to a task: its result, or an error."""
        return self.send(
            self.message(
                task.source_agent,
                payload,
                message_id=answer_id(task.message_id),
                message_type="result" if ok else "error",
                priority=task.priority,
                trace_id=trace_of(task),
                parent_message_id=task.message_id,
            )
        )

    def send(self, message: AgentMessage) -> Send:
        """Return what puts a message into its target's queue."""
        place = trace.traceparent(trace_of(message), trace.span_id(message.message_id))
        return Send(
            queue_topic(message.target_agent, self._prefix),
            codec.dumps(message.stored()).decode(),
            message.target_agent,
            {trace.HEADER: place},
        )

    def error(self, error: DetailedError) -> Send:
        """Return what tells all observers of an error."""
        text = codec.dumps(redact(error.stored())).decode()
        return Send(self._prefix + ERRORS_TOPIC, text, self.agent)
