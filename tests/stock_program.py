"""What ends a worker on stock Faust, in a process of its own: ends with 1 when it did.

Arguments: the scenario, Kafka's address, a folder, a topic.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaTimeoutError

from aimesh.faustfix import Position, writing_for
from aimesh.topics import MAX_MESSAGE_BYTES
from tests.faustapps import new_reading, stock_tables
from tests.waiting import until


async def main(scenario: str, kafka: str, folder: str, topic: str) -> None:
    found = new_reading(kafka, Path(folder), topic, stock_tables, Table=faust.Table)
    app = found.app
    table: Any = app.Table("t", partitions=1, key_type=str)
    if scenario == "timeout":

        async def no_answer(*_: Any) -> Any:
            raise KafkaTimeoutError("no answer")

        app.consumer.highwaters = no_answer  # type: ignore[method-assign]
    app.finalize()
    # returns only when the tables are read
    starting = asyncio.create_task(app.start())
    if scenario == "large":
        await until(lambda: app.rebalancing_count and not app.rebalancing, 30)
        with writing_for(Position(topic, 0)):
            table["a"] = "x" * MAX_MESSAGE_BYTES
    if scenario == "waiting":
        await until(lambda: app.in_recovery, 30)
        await asyncio.sleep(12)
        os._exit(1 if app.in_recovery else 0)
    try:
        await until(lambda: app.crashed, 15)
    except TimeoutError:
        os._exit(0)
    del starting
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
