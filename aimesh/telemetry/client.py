"""What an agent calls: none of it raises, blocks, or lets the agent wait."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from aimesh.core.moments import rfc3339
from aimesh.core.redaction import redact
from aimesh.core.telemetry import ERRORS_TOPIC, AgentMessage, DetailedError, queue_topic
from aimesh.core.text import cut
from aimesh.telemetry.details import MOST_TEXT, bounded, details_of
from aimesh.telemetry.following import (
    Place,
    current,
    new_span_id,
    new_trace_id,
    place_of,
)
from aimesh.telemetry.sender import Sender


class Telemetry(Sender):
    """Tells other agents and the observer what an agent does, and what goes wrong.

    Use it as ``async with``. Nothing here raises into the agent or waits for Kafka: what cannot
    be sent yet waits within bounds, and what never will be is counted in ``counts``, under
    ``dropped.<reason>``. Keys, tokens and passwords are taken out of everything.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        agent: the agent's name; its queue is ``agent-queue-`` and the name.
        agent_id: tells several of the same name apart.
        prefix: of the topics' names, as ``AIMESH_TOPIC_PREFIX``.
        environment, service_name: told with every error.
        room: how many messages may wait for a broker.
        kafka: more options for aiokafka's clients, such as those for TLS and SASL.
    """

    # -- traces

    @contextmanager
    def following(
        self, origin: AgentMessage | Mapping[str, Any] | Iterable[tuple[str, Any]] | str
    ) -> Iterator[None]:
        """Let what is told inside the block belong to a trace.

        Arguments:
            origin: a message that is being worked on, a Kafka message's headers, or a trace's id.
        """
        place = Place(origin) if isinstance(origin, str) else place_of(origin)
        token = current.set(place)
        try:
            yield
        finally:
            current.reset(token)

    # -- messages

    def send_to_agent(
        self,
        target: str,
        payload: Mapping[str, Any] | None = None,
        *,
        message_type: str = "task",
        reason: str | None = None,
        priority: str = "normal",
        ttl_seconds: float | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        parent_message_id: str | None = None,
        message_id: str | None = None,
    ) -> AgentMessage | None:
        """Put a message into another agent's queue.

        Arguments:
            target: the other agent's name.
            payload: what it is to work on, or what came of its work: plain JSON values.
            message_type: ``task``, ``result``, ``error``, ``heartbeat`` or ``cancel``.
            reason: why it is handed over, in words.
            priority: ``low``, ``normal``, ``high`` or ``critical``.
            ttl_seconds: after which a task is not worth doing any more.
            trace_id: the trace that it belongs to; that of `following` when left out, else new.
            span_id: the span of the work that the message starts or ends; new when left out.
            parent_message_id: for a result, an error or a cancellation: the task's message.
            message_id: its own id, when not a new one.

        Returns:
            The message as it is sent, None where it cannot be one; that is counted and logged.
        """
        place = current.get()
        try:
            message = AgentMessage.read(
                {
                    "message_id": message_id or uuid.uuid4().hex,
                    "source_agent": self.agent,
                    "target_agent": target,
                    "message_type": message_type,
                    "priority": priority,
                    "payload": redact(dict(payload or {})),
                    "trace_id": trace_id or (place.trace_id if place else new_trace_id()),
                    "span_id": span_id or new_span_id(),
                    "parent_message_id": parent_message_id,
                    "reason": redact(reason),
                    "timestamp": rfc3339(datetime.now(UTC)),
                    "ttl_seconds": ttl_seconds,
                }
            )
            self._post(queue_topic(target, self._prefix), target, message)
        except Exception as exc:  # noqa: BLE001 - telemetry must never hurt the agent
            self._refuse(f"a message to {target!r}", exc)
            return None
        return message

    def reply(
        self, task: AgentMessage, payload: Mapping[str, Any], *, failed: bool = False
    ) -> AgentMessage | None:
        """Answer a task with its result, or with an error; the task is then no longer pending."""
        return self.send_to_agent(
            task.source_agent,
            payload,
            message_type="error" if failed else "result",
            priority=task.priority,
            trace_id=task.trace_id,
            span_id=task.span_id,
            parent_message_id=task.message_id,
        )

    # -- errors

    def record_error(
        self, error_message: str, *, error_type: str = "Error", **details: Any
    ) -> DetailedError | None:
        """Tell of an error.

        Arguments:
            error_message: what went wrong.
            error_type: its kind, such as an exception's class.
            details: more fields of `DetailedError`: severity, category, operation, input_data,
                model_name, tool_name, suggested_fixes, …

        Returns:
            The error as it is sent, None where it cannot be one; that is counted and logged.
        """
        place = current.get()
        try:
            error = DetailedError.read(
                {
                    **self._about,
                    "trace_id": place.trace_id if place else None,
                    "span_id": place.span_id or None if place else None,
                    **bounded(details),
                    "error_id": uuid.uuid4().hex,
                    "error_type": error_type,
                    "error_message": cut(redact(str(error_message)), MOST_TEXT),
                    "timestamp": rfc3339(datetime.now(UTC)),
                }
            )
            self._post(self._prefix + ERRORS_TOPIC, self.agent, error)
        except Exception as exc:  # noqa: BLE001 - telemetry must never hurt the agent
            self._refuse("an error", exc)
            return None
        return error

    def record_error_from_exception(
        self, error: BaseException, **details: Any
    ) -> DetailedError | None:
        """Tell of an exception, with its stack, its category and what to do about it.

        Arguments:
            error: the exception.
            details: more fields of `DetailedError`; they win over what the exception says.
        """
        try:
            found = details_of(error, details)
        except Exception as exc:  # noqa: BLE001 - telemetry must never hurt the agent
            self._refuse("an exception", exc)
            return None
        return self.record_error(**found)

    @contextmanager
    def recording(self, operation: str, **details: Any) -> Iterator[None]:
        """Tell of an exception that leaves the block, which it does unchanged."""
        try:
            yield
        except Exception as exc:
            self.record_error_from_exception(exc, operation=operation, **details)
            raise
