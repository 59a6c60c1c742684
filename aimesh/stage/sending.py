"""Sends one message and waits for the broker's word."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from faust.exceptions import ProducerSendError

from aimesh.errors import TooLargeError
from aimesh.faustfix import MeshApp
from aimesh.topics import MOST_RECORD_BYTES


async def send(
    app: MeshApp,
    topic: str,
    key: bytes | None,
    value: bytes,
    headers: Mapping[str, str],
    partition: int | None = None,
) -> int:
    """Send a message and wait until the broker has it; return its offset.

    Raises:
        TooLargeError: it is larger than the mesh, or the broker, is set to.
    """
    pairs = [(name, text.encode("utf-8", "replace")) for name, text in headers.items()]
    size = len(key or b"") + len(value) + sum(len(n) + len(v) for n, v in pairs)
    if size > MOST_RECORD_BYTES:
        raise TooLargeError.of(topic, size, MOST_RECORD_BYTES)
    try:
        sent = await app.producer.send(topic, key, value, partition, None, pairs)
        offset: int = (await sent).offset
    except (MessageSizeTooLargeError, RecordListTooLargeError, ProducerSendError) as exc:
        if is_too_large(exc):
            raise TooLargeError(f"{topic} does not take a message of {size} bytes") from exc
        raise
    return offset


def is_too_large(exc: BaseException) -> bool:
    """Tell whether Kafka's client or broker refused a message for its size."""
    refusals = (TooLargeError, MessageSizeTooLargeError, RecordListTooLargeError)
    return isinstance(exc, refusals) or isinstance(exc.__cause__, refusals)
