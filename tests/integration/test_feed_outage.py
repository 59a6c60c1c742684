"""The hub while Kafka is away: before it starts, and when it goes and comes back."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.services.feed import FeedHub, StreamEvent
from tests.feeding import PARTITIONS, feeding, new_topic


async def test_a_client_gets_everything_once_however_often_kafka_goes(tmp_path: Path) -> None:
    port, topic = free_port(), new_topic()
    hub = FeedHub(f"127.0.0.1:{port}", topic, PARTITIONS)
    await hub.start()
    got: list[str] = []
    try:
        async with aclosing(hub.subscribe().batches(1.0)) as batches:

            async def until(task_id: str) -> None:
                async with asyncio.timeout(90):
                    while task_id not in got:
                        got.extend(map(task_of, await anext(batches)))

            assert await anext(batches) == []
            for made, numbers in ((False, range(3)), (True, range(3, 6))):
                kafka = EmbeddedKafka(tmp_path / "kafka", port, fixed_port=True)
                async with kafka, feeding(kafka.bootstrap, topic, made=made) as feed:
                    for number in numbers:
                        await feed.send("task", {"task_id": f"t{number}"})
                    await until(f"t{numbers[-1]}")
        assert sorted(got) == [f"t{number}" for number in range(6)]
    finally:
        await hub.stop()


def task_of(event: StreamEvent) -> str:
    return str(json.loads(event.data)["data"]["task_id"])
