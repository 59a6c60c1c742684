"""Kafka's administration: waits for the broker, creates topics, reads offsets and groups."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from aimesh.errors import MeshError, UnavailableError
from aimesh.services.kafka_access import OPEN, KafkaAccess
from aimesh.topics import CHANGELOG, MAX_MESSAGE_BYTES, Layout

logger = logging.getLogger(__name__)

PROBE_SECONDS = 10.0
WAIT_MOST = 10.0


class TopicMismatchError(MeshError, RuntimeError):
    """A topic on the broker is laid out in another way than the mesh needs."""


class KafkaAdmin:
    """One connection to Kafka for what is not producing or consuming.

    Arguments:
        bootstrap: addresses of brokers, as ``host:port`` separated by commas.
        access: what they ask of clients.
    """

    def __init__(self, bootstrap: str, access: KafkaAccess = OPEN) -> None:
        self._bootstrap = bootstrap
        self._access = access
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        # by group: the broker that keeps its offsets
        self._coordinators: dict[str, int] = {}

    async def start(self) -> None:
        """Connect.

        Raises:
            UnavailableError: no broker answers.
        """
        options = {"bootstrap_servers": self._bootstrap, **self._access.options()}
        admin = AIOKafkaAdminClient(**options)
        consumer = AIOKafkaConsumer(group_id=None, **options)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await admin.start()
                await consumer.start()
            self._admin, self._consumer = admin, consumer
        except (KafkaError, OSError, TimeoutError) as exc:
            reason = f"no broker answers at {self._bootstrap}"
            raise UnavailableError("kafka", reason, remedy=str(exc) or "time-out") from exc
        finally:
            # also where whoever wanted to connect was cancelled
            if self._admin is not admin:
                await admin.close()
                await consumer.stop()

    async def wait(self, tell: Callable[[str], None]) -> None:
        """Connect as soon as a broker answers, however long that takes.

        Arguments:
            tell: called with what is waited for, at the beginning and with growing pauses.
        """
        pause = 0.25
        while True:
            try:
                return await self.start()
            except UnavailableError as exc:
                tell(f"waiting for Kafka: {exc.reason}")
                await asyncio.sleep(pause)
                pause = min(WAIT_MOST, pause * 2)

    async def close(self) -> None:
        """Disconnect."""
        if self._admin is not None:
            await self._admin.close()
        if self._consumer is not None:
            await self._consumer.stop()
        self._admin = self._consumer = None
        self._coordinators.clear()

    @property
    def is_connected(self) -> bool:
        """Tell whether `start` has succeeded."""
        return self._admin is not None

    @property
    def _connected(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        if self._admin is None or self._consumer is None:
            raise UnavailableError("kafka", "not connected")
        return self._admin, self._consumer

    async def ensure(self, layouts: Iterable[Layout], replication: int) -> None:
        """Create the topics that are missing; check the partitions of those that are there.

        Raises:
            TopicMismatchError: a topic has another number of partitions than the tables rely on.
        """
        admin, _ = self._connected
        wanted = {layout.name: layout for layout in layouts}
        found = await self.partitions(wanted)
        missing = [layout for layout in wanted.values() if layout.name not in found]
        if missing:
            response = await admin.create_topics([_new_topic(m, replication) for m in missing])
            for name, code, *_ in response.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise MeshError(f"Kafka could not create topic {name}: {for_code(code)}")
            found = await self._settled(wanted)
        for name, layout in wanted.items():
            if (count := found.get(name, 0)) != layout.partitions:
                raise TopicMismatchError(_mismatch(layout, count))

    async def _settled(self, wanted: Mapping[str, Layout]) -> dict[str, int]:
        # a created topic is in the metadata of every broker only after a moment
        found: dict[str, int] = {}
        for _ in range(100):
            found = await self.partitions(wanted)
            if found.keys() >= wanted.keys():
                break
            await asyncio.sleep(0.1)
        return found

    async def partitions(self, names: Iterable[str] | None = None) -> dict[str, int]:
        """Return how many partitions each of these topics has; those that do not exist are out.

        Arguments:
            names: the topics to look for, all when left out.
        """
        admin, _ = self._connected
        wanted = None if names is None else set(names)
        # all are asked for, since a broker may create those that are asked for by name
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics()
            if not topic["error_code"]
            and topic["partitions"]
            and (wanted is None or topic["topic"] in wanted)
        }

    async def ends(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        """Return the end offset of every partition.

        Arguments:
            topics: names with their number of partitions.
        """
        return await self._offsets(topics, "end_offsets")

    async def beginnings(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        """Return the first offset that every partition still has."""
        return await self._offsets(topics, "beginning_offsets")

    async def _offsets(self, topics: Mapping[str, int], call: str) -> dict[tuple[str, int], int]:
        _, consumer = self._connected
        wanted = [TopicPartition(t, p) for t, count in topics.items() for p in range(count)]
        found = await getattr(consumer, call)(wanted)
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def committed(self, group: str) -> dict[tuple[str, int], int]:
        """Return the committed offsets of a consumer group, as far as it has any.

        Raises:
            UnavailableError: the group's coordinator does not tell: it has moved, or loads still.
        """
        admin, _ = self._connected
        if group not in self._coordinators:
            self._coordinators[group] = await admin.find_coordinator(group)
        request = OffsetFetchRequest(group, None)
        try:
            # the client's own call takes a coordinator that loads still for a group without offsets
            answer = await admin._send_request(request, self._coordinators[group])
            return _offsets_in(answer, group)
        except BaseException:
            self._coordinators.pop(group, None)
            raise

    async def members(self, groups: Iterable[str]) -> dict[str, int]:
        """Return how many members each consumer group has now."""
        admin, _ = self._connected
        counts: dict[str, int] = {}
        for name in groups:
            # one at a time: aiokafka 0.14 reads the answer for several in an older version's form
            for response in await admin.describe_consumer_groups([name]):
                counts |= {group[1]: len(group[5]) for group in response.groups}
        return counts

    async def cluster_id(self) -> str:
        """Return the id of the cluster, which tells it from any other."""
        admin, _ = self._connected
        described = await admin.describe_cluster()
        return str(described["cluster_id"])


def _offsets_in(answer: Any, group: str) -> dict[tuple[str, int], int]:
    found, codes = {}, [answer.error_code]
    for topic, partitions in answer.topics:
        for partition, offset, _, code in partitions:
            codes.append(code)
            found[topic, partition] = offset
    if code := next(filter(None, codes), 0):
        reason = f"the offsets of group {group} are not told: {for_code(code).__name__}"
        raise UnavailableError("kafka", reason)
    return found


def _mismatch(layout: Layout, count: int) -> str:
    if role := layout.only_for:
        needs = f"the role {role} needs {layout.partitions}"
        remedy = f"leave {role} out of AIMESH_ROLES"
    else:
        needs = f"the mesh is set to {layout.partitions}"
        remedy = f"set AIMESH_PARTITIONS={count}"
    return (
        f"topic {layout.name} has {count} partitions, {needs}: {remedy}, "
        "or use another AIMESH_TOPIC_PREFIX"
    )


def _new_topic(layout: Layout, replication: int) -> NewTopic:
    config: dict[str, Any] = {
        "cleanup.policy": "compact" if layout.compacted else "delete",
        "retention.ms": str(int(layout.retention * 1000)),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.type": "CreateTime",
    }
    if layout.compacted:
        config |= CHANGELOG
    if replication >= 3:
        config["min.insync.replicas"] = "2"
    return NewTopic(layout.name, layout.partitions, replication, topic_configs=config)
