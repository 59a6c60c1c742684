"""Small Faust applications for tests of the corrections: with all of them, or one taken out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import faust
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from faust.tables import TableManager
from faust.transport.drivers import aiokafka as driver

from aimesh.faustfix import MeshApp, MeshProducer
from aimesh.services.kafka import KafkaAdmin
from aimesh.topics import Layout
from tests.waiting import until


class StockConsumerApp(MeshApp):
    """An application with the consumer that Faust comes with."""

    def _new_transport(self) -> Any:
        return driver.Transport(self.conf.broker_consumer, self)

    def committed(self, tp: Any) -> int:
        consumer: Any = self.consumer
        return consumer._committed_offset[tp] or 0


def stock_tables(id: str, **options: Any) -> MeshApp:  # noqa: A002 - Faust's name for it
    """Make an application with the table manager that Faust comes with."""
    return MeshApp(id, TableManager=TableManager, **options)


class Reading:
    """An application that reads one topic, and what it has read."""

    def __init__(self, app: MeshApp, topic: str) -> None:
        self.app = app
        self.topic = topic
        self.values: list[str] = []
        #: Messages that are not acknowledged, by what says so.
        self.holds: Callable[[faust.Event], bool] = lambda event: False
        self.held: list[faust.Event] = []
        source = app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw")
        app.agent(source, name=f"{app.conf.id}.read")(self._read)

    async def _read(self, stream: Any) -> None:
        """Note what comes."""
        async for event in stream.noack().events():
            self.values.append(event.value.decode())
            if self.holds(event):
                self.held.append(event)
            else:
                event.ack()

    @property
    def consumer(self) -> Any:
        return self.app.consumer

    def committed(self, partition: int = 0) -> int:
        """The offset that the application has committed, as it knows it."""
        return self.app.committed(TopicPartition(self.topic, partition))


def new_reading(
    kafka: str, folder: Path, topic: str, make: Callable[..., MeshApp] = MeshApp, **options: Any
) -> Reading:
    """Make an application that reads a topic."""
    name = options.pop("name", f"{topic}-app")
    app = make(
        name,
        broker=kafka,
        datadir=folder / name,
        identity=f"i-{uuid4().hex[:8]}",
        **{"topic_partitions": 1} | options,
    )
    return Reading(app, topic)


def producer_of(found: Reading) -> MeshProducer:
    """Return the producer of a running application."""
    producer = found.app.producer
    assert isinstance(producer, MeshProducer)
    return producer


@asynccontextmanager
async def started(app: MeshApp) -> AsyncIterator[MeshApp]:
    """Run an application until the body ends."""
    app.finalize()
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


@asynccontextmanager
async def reading(found: Reading) -> AsyncIterator[Reading]:
    """Run an application that reads a topic, and wait until it does."""
    async with started(found.app) as app:
        await until(lambda: app.rebalancing_count and not app.rebalancing, 30)
        yield found


async def new_topic(kafka: str, partitions: int = 1) -> str:
    """Create a topic."""
    name, admin = f"ff{uuid4().hex[:10]}", KafkaAdmin(kafka)
    await admin.start()
    try:
        await admin.ensure([Layout(name, partitions, -0.001)], 1)
    finally:
        await admin.close()
    return name


async def limit_topic(kafka: str, topic: str, size: int) -> None:
    """Let the broker take so many bytes at once of a topic at most."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        config = {"max.message.bytes": str(size)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    finally:
        await admin.close()


async def write(kafka: str, topic: str, *values: str, partition: int = 0) -> None:
    """Write messages, in one batch."""
    async with AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=50) as producer:
        for value in values:
            await producer.send(topic, value.encode(), b"k", partition)
