"""How the embedded Kafka is doing, seen from outside: does it answer, what did it log."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError


def end_of(log: Path, start: int, most: int = 16384) -> str:
    """The end of a file, at most so many bytes, and nothing from before ``start``."""
    size = log.stat().st_size
    with log.open("rb") as file:
        # a file smaller than it was has been rotated
        file.seek(max(start if start <= size else 0, size - most))
        return file.read().decode(errors="replace")


async def answers(host: str, port: int) -> bool:
    """Whether a broker serves there, groups included.

    Asking for a group's place makes the topic of their offsets, which the first clients would
    otherwise miss, and log errors about.
    """
    # look before asking, because the client logs refusals
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    client = AIOKafkaClient(bootstrap_servers=f"{host}:{port}")
    try:
        await client.bootstrap()
        if not client.cluster.brokers():
            return False
        await client.coordinator_lookup(CoordinationType.GROUP, "aimesh")
        return True
    except KafkaError:
        return False
    finally:
        await client.close()
