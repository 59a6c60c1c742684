"""A telemetry observer of its own, for tests on a real Kafka."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aimesh.agents.telemetry_observer import TelemetryObserver, feed_topic
from aimesh.core.telemetry import ERRORS_TOPIC
from aimesh.faustfix import MeshApp
from aimesh.services.kafka import KafkaAdmin
from aimesh.tables.telemetry.tables import Keep
from aimesh.topics import DAY, Layout
from tests.waiting import until

KEEP = Keep(10_000, 1_000, 1_000)


@asynccontextmanager
async def observing(
    kafka: str,
    prefix: str,
    folder: Path,
    *,
    keep: Keep = KEEP,
    channels: Mapping[str, str] | None = None,
) -> AsyncIterator[TelemetryObserver]:
    """Run an observer while the body runs; its tables are read when the body begins."""
    app_id = f"{prefix}aimesh-telemetry"
    admin = KafkaAdmin(kafka)
    await admin.start()
    topics = [feed_topic(app_id), prefix + ERRORS_TOPIC]
    await admin.ensure([Layout(name, 1, DAY) for name in topics], 1)
    await admin.close()
    app = MeshApp(
        app_id,
        broker=kafka,
        datadir=folder,
        identity=f"test-{uuid.uuid4().hex[:8]}",
        topic_partitions=1,
    )
    observer = TelemetryObserver(app, kafka, prefix=prefix, channels=channels or {}, keep=keep)
    await app.start()
    try:
        await until(lambda: observer.ready, 60)
        yield observer
    finally:
        await app.stop()


async def settled(observer: TelemetryObserver, records: int) -> None:
    """Wait until so many messages and errors were worked in, and all of it is written."""
    tables = observer.tables

    def is_settled() -> bool:
        seen = tables.counts["messages"] + tables.counts["errors"] + tables.counts["events"]
        return seen + tables.undecodable.total >= records and not observer.unwritten

    await until(is_settled, 60)
