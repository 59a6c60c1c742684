"""A real Kafka for tests: the embedded broker in a folder of its own, on a free port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port


@asynccontextmanager
async def running_kafka(folder: Path) -> AsyncIterator[EmbeddedKafka]:
    """Run a broker that keeps its data in ``folder`` while the body runs."""
    async with EmbeddedKafka(folder, free_port()) as kafka:
        yield kafka
