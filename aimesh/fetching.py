"""How long a client of Kafka waits for messages, which holds up others and costs both sides."""

from __future__ import annotations

import time

from aiokafka import AIOKafkaConsumer

# A partition that could not be drained at once waits for the fetch that is under way for the other
# ones: briefly while many messages come, and while a client starts. Few at a time are drained at
# once and nobody waits, but every fetch costs both sides.
BUSY_MS = 100
CALM_MS = 1000
CALM_SECONDS = 10.0
MANY = 32
# The client looks so often whether there is anything to do, though all that it has to react to
# wakes it up; five times a second as it comes.
LOOK_SECONDS = 1.0


class FetchWait:
    """Suits the fetch wait of a client, which has not been started yet, to what it receives."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._busy_at = time.monotonic()
        # read when the client starts
        consumer._fetch_max_wait_ms = BUSY_MS
        consumer._consumer_timeout = LOOK_SECONDS

    def suit(self, received: int) -> None:
        """Take into account that so many messages were received at once, or none."""
        now = time.monotonic()
        if received >= MANY:
            self._busy_at = now
        calm = now - self._busy_at > CALM_SECONDS
        # read for each fetch; the next one begins only after what was received has been taken
        self._consumer._fetcher._fetch_max_wait_ms = CALM_MS if calm else BUSY_MS
