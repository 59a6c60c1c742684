"""A feed for tests: a real topic, written as the observer writes it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aimesh.records import now

PARTITIONS = 3
MOST_BYTES = 8 << 20

SOURCES = {
    "task": "ai_topic",
    "solution": "ai_solutions",
    "verdict": "ai_verified_solutions",
    "review": "ai_reviews",
    "line": "ai_telemetry",
    "lag": "ai_governor",
    "decision": "ai_governor",
    "stage": "ai_governor",
    "dead_letter": "ai_dead_letters",
}


class Feed:
    """Writes events into a feed's topic."""

    def __init__(self, bootstrap: str, topic: str, producer: AIOKafkaProducer) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self._producer = producer
        self._sources: dict[str, int] = {}
        self._last_ms = 0

    async def send(
        self, kind: str, data: Mapping[str, Any], *, partition: int | None = None, at: str = ""
    ) -> int:
        """Write one event and return its offset in the feed."""
        return await self.send_event(self.event(kind, data, at), partition=partition)

    def event(self, kind: str, data: Mapping[str, Any], at: str = "") -> dict[str, Any]:
        """Return an event as the observer writes it, from the next offset of its source."""
        source = SOURCES[kind]
        offset = self._sources.get(source, 0)
        self._sources[source] = offset + 1
        key = str(data.get("task_id") or data.get("agent") or data.get("topic") or "")
        where = {"topic": source, "partition": 0, "offset": offset, "key": key}
        return {"kind": kind, "at": at or now(), **where, "data": dict(data)}

    async def send_event(self, event: Mapping[str, Any], *, partition: int | None = None) -> int:
        """Write an event as it is and return its offset in the feed."""
        return await self.send_bytes(json.dumps(event).encode(), event["key"], partition=partition)

    async def send_bytes(self, value: bytes, key: str = "", *, partition: int | None = None) -> int:
        """Write any value and return its offset in the feed."""
        # partitions are merged by time: two of one millisecond would have no order
        self._last_ms = max(self._last_ms + 1, int(time.time() * 1000))
        sent = await self._producer.send_and_wait(
            self.topic, value, key=key.encode(), partition=partition, timestamp_ms=self._last_ms
        )
        return int(sent.offset)


async def create(bootstrap: str, topic: str) -> None:
    """Create a feed's topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        config = {"max.message.bytes": str(MOST_BYTES)}
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=config)])
    finally:
        await admin.close()


def new_topic() -> str:
    """Return a name that no other test uses."""
    return f"feed-{uuid.uuid4().hex[:8]}"


@asynccontextmanager
async def feeding(bootstrap: str, topic: str = "", *, made: bool = False) -> AsyncIterator[Feed]:
    """Write to a feed, which is created unless it is ``made`` already."""
    topic = topic or new_topic()
    if not made:
        await create(bootstrap, topic)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=MOST_BYTES) as sender:
        yield Feed(bootstrap, topic, sender)
