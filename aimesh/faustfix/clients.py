"""What the applications of one worker share, so that not each has clients of Kafka of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import aiokafka

from aimesh.faustfix.client_thread import ClientThread


class SharedProducer:
    """One client that writes to Kafka for all applications of a worker.

    Stock Faust makes one for every application. With one for all, what several stages write while
    a request is under way goes out together in the next: fewer requests, each with more in it.

    It runs while any application uses it.
    """

    def __init__(self) -> None:
        self._client: aiokafka.AIOKafkaProducer | None = None
        self._guests = 0
        self._joining = asyncio.Lock()

    async def join(
        self, make: Callable[[], aiokafka.AIOKafkaProducer]
    ) -> aiokafka.AIOKafkaProducer:
        """Return the running client; `leave` it when it is no longer used.

        Arguments:
            make: makes a client, where none runs.

        Raises:
            KafkaError: it could not be started.
        """
        async with self._joining:
            if self._client is None:
                client = make()
                try:
                    await client.start()
                except BaseException:
                    await client.stop()
                    raise
                self._client = client
            self._guests += 1
            return self._client

    async def leave(self) -> None:
        """Wait until everything written so far has gone out; the last one ends the client."""
        client, self._guests = self._client, self._guests - 1
        assert client is not None
        if self._guests:
            await client.flush()
        else:
            self._client = None
            await client.stop()


@dataclass(frozen=True)
class Clients:
    """The clients of Kafka of a worker: the thread of those that read, and the one that writes."""

    thread: ClientThread = field(default_factory=ClientThread)
    producer: SharedProducer = field(default_factory=SharedProducer)
