"""Sends one message and waits for the broker's word."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka.structs import TopicPartition

from aimesh.errors import TooLargeError
from aimesh.faustfix import MeshApp, MeshProducer
from aimesh.faustfix.halving import TOO_LARGE
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
    producer = app.producer
    assert isinstance(producer, MeshProducer)
    try:
        if partition is None:
            partition = await producer.partition_for(topic, key)
        sent = await producer.write(TopicPartition(topic, partition), key, value, pairs)
        offset: int = sent.offset
    except TOO_LARGE as exc:
        raise TooLargeError(f"{topic} does not take a message of {size} bytes") from exc
    return offset
