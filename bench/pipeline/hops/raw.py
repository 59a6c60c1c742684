"""aiokafka and nothing else, all hops in one loop.

As its documentation shows it: offsets are committed by a timer. With ``careful`` as an argument,
they are committed when what was sent has arrived, batch by batch.
"""

from __future__ import annotations

import asyncio
import sys

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from bench.pipeline.hops.place import HEARTBEAT_SECONDS, SESSION_SECONDS, Place


async def main(place: Place, careful: bool) -> None:
    """Move tasks until the process is ended."""
    consumer = AIOKafkaConsumer(
        *place.topics()[:-1],
        bootstrap_servers=place.broker,
        group_id=place.id,
        auto_offset_reset="earliest",
        enable_auto_commit=not careful,
        session_timeout_ms=int(SESSION_SECONDS * 1000),
        heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
    )
    async with (
        AIOKafkaProducer(bootstrap_servers=place.broker, acks="all") as producer,
        consumer,
    ):
        targets = dict(zip(place.topics(), place.topics()[1:], strict=False))
        if careful:
            await _carefully(consumer, producer, targets)
        async for message in consumer:
            await _moved(message, producer, targets)


async def _carefully(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, targets: dict[str, str]
) -> None:
    while True:
        batches = await consumer.getmany(timeout_ms=1000)
        sent = [await _moved(m, producer, targets) for batch in batches.values() for m in batch]
        await asyncio.gather(*sent)
        if sent:
            await consumer.commit()


async def _moved(
    message: ConsumerRecord[bytes, bytes], producer: AIOKafkaProducer, targets: dict[str, str]
) -> asyncio.Future[object]:
    task = orjson.loads(message.value or b"")
    sent: asyncio.Future[object] = await producer.send(
        targets[message.topic], orjson.dumps(task), message.key
    )
    return sent


if __name__ == "__main__":
    asyncio.run(main(Place.told(), "careful" in sys.argv[1:]))
