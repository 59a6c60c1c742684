"""Sends to Kafka what an agent hands over, without ever holding the agent up."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidMessageError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

logger = logging.getLogger(__name__)

MOST_BYTES = 900_000
AT_ONCE = 200
PAUSE_LEAST, PAUSE_MOST = 0.25, 10.0
REQUEST_SECONDS = 20.0
MOST_REPLICAS = 3
# what another try cannot mend
HOPELESS = (
    InvalidMessageError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way to Kafka."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Outbox:
    """Holds letters until a broker has them.

    Where no broker answers they wait, as many as there is room for. ``counts`` says how many were
    ``sent``, and under ``dropped.<reason>`` how many never will be.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        room: how many letters may wait.
        kafka: more options for aiokafka's clients, such as those for TLS and SASL.
    """

    def __init__(self, bootstrap: str, *, room: int, kafka: Mapping[str, Any]) -> None:
        self._bootstrap = bootstrap
        self._room = room
        self._kafka = dict(kafka)
        self._letters: deque[Letter] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._topics: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.counts: Counter[str] = Counter()

    # -- for the agent

    def put(self, letter: Letter) -> None:
        """Take a letter; may be called from any thread."""
        loop = self._loop
        if loop is None or loop is _running_loop():
            self._put(letter)
        else:
            loop.call_soon_threadsafe(self._put, letter)

    def _put(self, letter: Letter) -> None:
        if self._loop is None:
            self.drop("not_started")
        elif len(letter.value) > MOST_BYTES:
            self.drop("too_large")
        elif len(self._letters) >= self._room:
            self.drop("full")
        else:
            self._letters.append(letter)
            self._emptied.clear()
            self._filled.set()

    def drop(self, reason: str, count: int = 1) -> None:
        """Count what will not be sent; tell of it when it begins, and not each time."""
        name = f"dropped.{reason}"
        if not count:
            return
        if not self.counts[name]:
            logger.warning("telemetry is being dropped: %s", reason.replace("_", " "))
        self.counts[name] += count

    async def flush(self, timeout: float) -> bool:
        """Wait until a broker has everything; False after ``timeout`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._emptied.wait()
        return not self._letters

    # -- life

    async def start(self) -> None:
        """Begin to send, in a task of its own; waits for nothing."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="telemetry outbox")

    async def close(self, timeout: float) -> None:
        """Send what is there for at most ``timeout`` seconds, then stop."""
        await self.flush(timeout)
        self._loop = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        self.drop("closed", len(self._letters))
        self._letters.clear()

    # -- sending

    async def _run(self) -> None:
        pause = PAUSE_LEAST
        while True:
            await self._filled.wait()
            try:
                await self._connected()
                pause = PAUSE_LEAST
            except (KafkaError, OSError, TimeoutError) as exc:
                logger.info("telemetry waits for Kafka at %s: %r", self._bootstrap, exc)
            except Exception:
                # the agent's telemetry must not end before the agent does
                logger.exception("telemetry could not be sent, trying again")
            await asyncio.sleep(pause)
            pause = min(PAUSE_MOST, pause * 2)

    async def _connected(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            request_timeout_ms=int(REQUEST_SECONDS * 1000),
            **self._kafka,
        )
        try:
            await producer.start()
            while True:
                await self._filled.wait()
                await self._send(producer, [*self._letters][:AT_ONCE])
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, letters: Sequence[Letter]) -> None:
        """Send letters and take those off that are done with; raises where a broker fails."""
        await self._ensure({letter.topic for letter in letters} - self._topics)
        accepted = [await _accepted(producer, letter) for letter in letters]
        results = [await _outcome(one) for one in accepted]
        again = []
        for letter, problem in zip(letters, results, strict=True):
            if problem is None:
                self.counts["sent"] += 1
            elif isinstance(problem, HOPELESS):
                self.drop("refused")
                logger.debug("refused by Kafka: %r", problem)
            else:
                again.append((letter, problem))
        for _ in letters:
            self._letters.popleft()
        self._letters.extendleft(letter for letter, _ in reversed(again))
        if not self._letters:
            self._filled.clear()
            self._emptied.set()
        if again:
            self._topics -= {letter.topic for letter, _ in again}
            raise again[0][1]

    async def _ensure(self, topics: set[str]) -> None:
        """Create topics that are not there: a producer waits for a missing one in vain."""
        if not topics:
            return
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, **self._kafka)
        try:
            await admin.start()
            # all topics are asked for: asking for one may create it
            known = {topic["topic"] for topic in await admin.describe_topics()}
            if missing := topics - known:
                brokers = (await admin.describe_cluster())["brokers"]
                replicas = min(MOST_REPLICAS, len(brokers))
                created = await admin.create_topics([NewTopic(t, 1, replicas) for t in missing])
                for topic, code, *_ in created.topic_errors:
                    if code and for_code(code) is not TopicAlreadyExistsError:
                        logger.warning("could not create topic %s: %s", topic, for_code(code))
        finally:
            await admin.close()
        self._topics |= topics


async def _accepted(producer: AIOKafkaProducer, letter: Letter) -> Any:
    """Hand a letter to the producer; return what will say how that ended, or the error."""
    # once it is told of any new topic, the client forgets those that it was not told of
    producer.client.add_topic(letter.topic)
    try:
        return await producer.send(
            letter.topic, letter.value, key=letter.key, headers=list(letter.headers)
        )
    except KafkaError as exc:
        return exc


async def _outcome(accepted: Any) -> KafkaError | None:
    if isinstance(accepted, KafkaError):
        return accepted
    try:
        await accepted
    except KafkaError as exc:
        return exc
    return None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
