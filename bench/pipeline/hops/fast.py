"""FastStream on Kafka, a subscriber with a publisher for each hop, with its own settings."""

from __future__ import annotations

import asyncio
from typing import Any

from faststream import FastStream
from faststream.kafka import KafkaBroker

from bench.pipeline.hops.place import HEARTBEAT_SECONDS, SESSION_SECONDS, Place


def _hop() -> Any:
    async def hop(task: dict[str, Any]) -> dict[str, Any]:
        return task

    return hop


async def main(place: Place) -> None:
    """Move tasks until the process is ended."""
    broker = KafkaBroker(place.broker, logger=None)
    for number in range(place.hops):
        publisher = broker.publisher(place.topic(number + 1))
        subscriber = broker.subscriber(
            place.topic(number),
            # members that come one after the other would make one group rebalance again and again
            group_id=f"{place.id}-hop{number}",
            auto_offset_reset="earliest",
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
        )
        subscriber(publisher(_hop()))
    await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    asyncio.run(main(Place.told()))
