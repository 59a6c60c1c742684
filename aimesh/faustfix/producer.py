"""A producer that takes writes at once and sends together what came in together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.structs import TopicPartition
from faust.exceptions import NotReady
from faust.transport.drivers import aiokafka as driver

# a list indeed: the compiled client takes nothing else
Headers = list[tuple[str, bytes]]
# told of a batch that has arrived: the partition, the offsets of its first and its last record
Arrived = Callable[[TopicPartition, int, int], None]


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
        arrived: Arrived | None = None,
    ) -> asyncio.Future[Any]:
        """Send a record; the future has its metadata when the broker has it.

        Arguments:
            arrived: called once for each batch, when all of it has arrived and before any of its
                futures is seen to be done. The writer of a batch's first record is told.
        """
        try:
            return self._written(self._ensure_producer(), tp, key, value, headers or [], arrived)
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
        arrived: Arrived | None,
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
            if arrived is not None:
                batch.future.add_done_callback(_telling(arrived, batch))
        found: asyncio.Future[Any] = written
        return found

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


def track(producer: aiokafka.AIOKafkaProducer, topic: str) -> None:
    """Have a client keep the leaders of a topic's partitions.

    At its start it knows all topics. As soon as it is told of one that it does not know, it asks
    for those only that it was ever told of: it forgets the others, and what waits in their open
    batches stays there until the next message is sent to the same topic.
    """
    if topic not in producer.client._topics:
        producer.client.add_topic(topic)


def _telling(arrived: Arrived, batch: Any) -> Callable[[asyncio.Future[Any]], None]:
    def tell(done: asyncio.Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            first = done.result().offset
            arrived(batch.tp, first, first + batch.record_count - 1)

    return tell
