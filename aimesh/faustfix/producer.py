"""A producer that takes writes at once and sends together what came in together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import aiokafka
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.structs import TopicPartition
from faust.exceptions import NotReady
from faust.transport import base
from faust.transport.drivers import aiokafka as driver

from aimesh.errors import LeaseLostError
from aimesh.faustfix.clients import Clients
from aimesh.faustfix.halving import halve_if_refused

# a list indeed: the compiled client takes nothing else
Headers = list[tuple[str, bytes]]


class Writer(Protocol):
    """Whoever writes to a partition that only its owner may write to."""

    def may_send(self) -> bool:
        """Tell whether the partition is still its own; asked when a batch is about to go."""

    def arrived(self, place: TopicPartition, first: int, last: int) -> None:
        """Hear that a batch is there, by the offsets of its first and its last record."""


class MeshProducer(driver.Producer):
    """A producer with a short way for writes whose partition is known.

    Stock Faust takes every change of a table through a message object, a queue, a task and three
    callbacks, which is most of what the change costs. Here it is put into its partition's open
    batch at once, in the order of the calls. While one request is under way, all that is written
    meanwhile gathers in the next: the busier it is, the more writes share one request (group
    commit), and a lone write waits for nothing. Every write still has a future of its own, which
    is done when the broker has the write, and nothing that was promised rests on less.
    """

    def write(
        self,
        tp: TopicPartition,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
        writer: Writer | None = None,
    ) -> asyncio.Future[Any]:
        """Send a record; the future has its metadata when the broker has it.

        Arguments:
            writer: asked of each batch of which it wrote the first record, before every attempt to
                send it; where it may not, the futures fail with `LeaseLostError`. And told once
                all of it has arrived, before any of its futures is seen to be done.
        """
        try:
            return self._written(self._ensure_producer(), tp, key, value, headers or [], writer)
        except (KafkaError, NotReady) as exc:
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(exc)
            return failed

    def _written(
        self,
        producer: aiokafka.AIOKafkaProducer,
        tp: TopicPartition,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        writer: Writer | None,
    ) -> asyncio.Future[Any]:
        gathering = producer._message_accumulator
        if gathering._closed:
            raise ProducerClosed
        if gathering._exception is not None:
            raise KafkaError("the producer has failed") from gathering._exception
        track(producer, tp.topic)
        waiting = gathering._batches.get(tp)
        written = waiting[-1].append(key, value, None, headers=headers) if waiting else None
        if written is None:  # none is open, or it is full: the next one stands behind it
            batch = gathering._append_batch(gathering.create_builder(), tp)
            written = batch.append(key, value, None, headers=headers)
            if writer is not None:
                _belongs(batch, writer)
        found: asyncio.Future[Any] = written
        return found

    async def on_start(self) -> None:
        """Join the worker's other applications at their client."""
        await base.Producer.on_start(self)  # past the driver's, which makes one of its own
        app: Any = self.app
        clients: Clients = app.clients
        self._producer = await clients.producer.join(self._new_producer)

    async def on_stop(self) -> None:
        """Leave it when what was written has gone out."""
        await base.Producer.on_stop(self)
        if self._producer is not None:
            self._producer = None
            app: Any = self.app
            clients: Clients = app.clients
            await clients.producer.leave()

    def _new_producer(self, *args: Any, **options: Any) -> aiokafka.AIOKafkaProducer:
        producer = super()._new_producer(*args, **options)
        sender = producer._sender
        sender._send_produce_req = partial(_send_own, sender)
        return producer

    async def send(self, topic: str, *args: Any, **options: Any) -> Any:
        """Send a message, as stock Faust does, but to a topic that the client keeps track of."""
        track(self._ensure_producer(), topic)
        return await super().send(topic, *args, **options)

    async def partition_for(self, topic: str, key: bytes | None) -> int:
        """Return the partition to which a key belongs, as all clients of Kafka find it."""
        producer = self._ensure_producer()
        track(producer, topic)
        await producer.client._wait_on_metadata(topic)
        partition: int = producer._partition(topic, None, None, None, key, None)
        return partition


async def _send_own(sender: Any, node: int, batches: dict[TopicPartition, Any]) -> None:
    """Send the batches that may still be sent, and fail the others.

    A batch may wait here for long: the process was stopped, or the broker away. One that is stopped
    right after this look sends all the same; whoever reads it leaves it out (`core.epochs`).
    """
    own = {tp: batch for tp, batch in batches.items() if _may_go(batch)}
    for tp in batches.keys() - own.keys():
        batches[tp].failure(LeaseLostError())
    for batch in own.values():
        halve_if_refused(sender._message_accumulator, batch, _like)
    if own:
        await SendProduceReqHandler(sender, own).do(node)
    sender._in_flight.discard(node)
    sender._muted_partitions.difference_update(batches)


def _may_go(batch: Any) -> bool:
    writer: Writer | None = getattr(batch, "writer", None)
    return writer is None or writer.may_send()


def _belongs(batch: Any, writer: Writer) -> None:
    batch.writer = writer
    batch.future.add_done_callback(_telling(writer, batch))


def _like(whole: Any, half: Any) -> None:
    if (writer := getattr(whole, "writer", None)) is not None:
        _belongs(half, writer)


def track(producer: aiokafka.AIOKafkaProducer, topic: str) -> None:
    """Have a client keep the leaders of a topic's partitions.

    At its start it knows all topics. As soon as it is told of one that it does not know, it asks
    for those only that it was ever told of: it forgets the others, and what waits in their open
    batches stays there until the next message is sent to the same topic.
    """
    if topic not in producer.client._topics:
        producer.client.add_topic(topic)


def _telling(writer: Writer, batch: Any) -> Callable[[asyncio.Future[Any]], None]:
    def tell(done: asyncio.Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            first = done.result().offset
            writer.arrived(batch.tp, first, first + batch.record_count - 1)

    return tell
