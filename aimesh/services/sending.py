"""Putting tasks into the mesh from outside of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer

from aimesh import codec
from aimesh.records import Task
from aimesh.services.reading import Brokers, Place, kafka_failures


class TaskSender:
    """Sends tasks; use it as an asynchronous context.

    Arguments:
        brokers: where Kafka is.
        topic: the tasks' topic, which must be there.
    """

    def __init__(self, brokers: Brokers, topic: str) -> None:
        self._brokers = brokers
        self._topic = topic
        self._producer = AIOKafkaProducer(**brokers.options(), enable_idempotence=True)

    async def __aenter__(self) -> TaskSender:
        with kafka_failures(self._brokers):
            try:
                await self._producer.start()
            except BaseException:
                await self._producer.stop()
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def send(self, tasks: Sequence[Task | str]) -> list[tuple[Place, int]]:
        """Send tasks at once, and wait until the broker has them all.

        Arguments:
            tasks: tasks, or texts, which are sent in the bare form: no id, no key, no headers.

        Returns:
            Topic, partition and offset of each.

        Raises:
            UnavailableError: the broker did not take them.
        """
        with kafka_failures(self._brokers):
            futures = [await self._begin(task) for task in tasks]
            sent = await asyncio.gather(*futures)
        return [((item.topic, item.partition), item.offset) for item in sent]

    async def _begin(self, task: Task | str) -> asyncio.Future[Any]:
        if isinstance(task, str):
            value, key = codec.dumps({"task": task}), None
        else:
            value, key = codec.dumps(task), task.task_id.encode()
        future: asyncio.Future[Any] = await self._producer.send(self._topic, value, key)
        return future
