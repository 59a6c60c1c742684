"""Copies what agents say to the feed: every topic whose name fits, as soon as it is there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator

import orjson
from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    TopicPartition,
)
from aiokafka.errors import KafkaError

from aimesh.fetching import FetchWait
from aimesh.services.agent_topics.digest import Digester, Entry
from aimesh.services.kafka_access import OPEN, KafkaAccess
from aimesh.services.status import ServiceStatus, StatusKeeper
from aimesh.topics import BATCH_BYTES

logger = logging.getLogger(__name__)

# how old the list of topics gets (milliseconds): a new queue is found within two of these
METADATA_AGE = 2000
AT_ONCE = 1000
# what is fetched and not copied yet is held in memory: so much of one partition, and of a broker
FETCH_OF_PARTITION, FETCH = 256 << 10, 4 << 20
# one record of the feed has at most so many entries and, but for its last, so many bytes
PORTION, PORTION_BYTES = 100, 128 << 10
COMMIT_SECONDS = 1.0
PAUSE_LEAST, PAUSE_MOST = 0.25, 10.0
MOST_REQUEST = 4 << 20

Records = dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


class Copier:
    """Reads along in a group of its own, and never touches the groups of those who work.

    A message counts as read when the feed has it: after a crash some come twice, none is missed.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        group: its consumer group.
        feed: the topic that is written; its first partition has everything.
        digester: says what is read, and what is kept of it.
        access: what the brokers ask of clients.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        feed: str,
        digester: Digester,
        access: KafkaAccess = OPEN,
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._feed = feed
        self._digester = digester
        self._access = access
        self._copied: dict[TopicPartition, int] = {}
        self._committed_at = 0.0
        self.counts: Counter[str] = Counter()
        #: Whether there was more to read, the last time, than is read at once.
        self.is_behind = False
        self._keeper = StatusKeeper("agents' topics")

    @property
    def status(self) -> ServiceStatus:
        """Whether the topics are being copied, and since when."""
        return self._keeper.status

    async def run(self) -> None:
        """Copy until cancelled, whatever happens to the brokers."""
        pause = PAUSE_LEAST
        while True:
            try:
                await self._copy()
            except (KafkaError, OSError, TimeoutError) as exc:
                logger.warning("reading along with the agents broke off, going on: %r", exc)
                self._keeper.bad(f"not being read: {exc!r}", "see how Kafka is")
            except Exception as exc:
                # no message of any agent may end the observation of all
                logger.exception("reading along with the agents failed, trying again")
                self._keeper.bad(f"not being read: {exc!r}", "see how Kafka is")
            if self.counts["copied"]:
                pause = PAUSE_LEAST
            await asyncio.sleep(pause)
            pause = min(PAUSE_MOST, pause * 2)

    async def _copy(self) -> None:
        options = self._access.options()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=METADATA_AGE,
            max_partition_fetch_bytes=FETCH_OF_PARTITION,
            fetch_max_bytes=FETCH,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=864_000_000,
            **options,
        )
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            max_request_size=MOST_REQUEST,
            max_batch_size=BATCH_BYTES,
            **options,
        )
        self._copied.clear()
        consumer.subscribe(pattern=self._digester.pattern, listener=_Listener(self, consumer))
        try:
            fetch_wait = FetchWait(consumer)
            await consumer.start()
            await producer.start()
            self._keeper.good()
            while True:
                found = await consumer.getmany(timeout_ms=500, max_records=AT_ONCE)
                count = sum(map(len, found.values()))
                fetch_wait.suit(count)
                self.is_behind = count >= AT_ONCE
                if found:
                    await self._send(producer, found)
                if time.monotonic() - self._committed_at > COMMIT_SECONDS:
                    await self.commit(consumer)
        finally:
            await consumer.stop()
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, found: Records) -> None:
        """Write messages to the feed; return when the broker has all of them."""
        sent = []
        for portion in self._portions(found):
            sent.append(await producer.send(self._feed, portion, partition=0))
            await asyncio.sleep(0)  # let others have their turn
        for one in sent:
            await one
        for place, messages in found.items():
            self._copied[place] = messages[-1].offset + 1
            self.counts["copied"] += len(messages)

    def _portions(self, found: Records) -> Iterator[bytes]:
        entries: list[Entry] = []
        size = 0
        for messages in found.values():
            for message in messages:
                if (entry := self._digester.entry(message)) is None:
                    continue
                entries.append(entry)
                size += min(len(message.value or b""), PORTION_BYTES)
                if len(entries) == PORTION or size >= PORTION_BYTES:
                    yield orjson.dumps(entries)
                    entries, size = [], 0
        if entries:
            yield orjson.dumps(entries)

    async def commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commit what was copied; what cannot be committed comes once more, and is passed over."""
        self._committed_at = time.monotonic()
        held = consumer.assignment()
        offsets = {place: offset for place, offset in self._copied.items() if place in held}
        self._copied.clear()
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except KafkaError as exc:
            logger.info("could not commit what was read along: %r", exc)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Commits before partitions go to another copier."""

    def __init__(self, copier: Copier, consumer: AIOKafkaConsumer) -> None:
        self._copier = copier
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Commit what was copied."""
        await self._copier.commit(self._consumer)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Tell of topics that are read from now on."""
        topics = sorted({place.topic for place in assigned})
        logger.info("reading along with %d topics: %s", len(topics), ", ".join(topics)[:500])
