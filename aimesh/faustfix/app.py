"""The Faust application with all corrections, and with settings that neither hang nor lose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faust
from faust.assignor.partition_assignor import PartitionAssignor
from faust.types import TP
from faust.types.transports import ProducerT
from yarl import URL

from aimesh.faustfix.clients import Clients
from aimesh.faustfix.consumer import MeshConsumer, MeshTransport
from aimesh.faustfix.flow import CalmFlow
from aimesh.faustfix.lease import Lease
from aimesh.faustfix.monitor import MeshMonitor
from aimesh.faustfix.recovery import MeshTableManager
from aimesh.faustfix.tables import MeshTable
from aimesh.faustfix.versions import verify_versions
from aimesh.topics import BATCH_BYTES, CHANGELOG, FOREVER, MAX_MESSAGE_BYTES, Layout

POLL_RECORDS = 100


class MeshApp(faust.App):
    """A Faust application that loses nothing, does nothing twice and does not hang.

    Arguments:
        id: its name, and that of its consumer group.
        broker: addresses of brokers, as ``host:port`` separated by commas.
        datadir: where its tables are kept on disk; no other process may use it.
        identity: tells this process from all others, also from the one before it.
        address: where other workers reach this one's web server, as ``host:port``.
        clients: of Kafka, which it shares with the worker's other applications; left out, it
            has its own.
        options: further settings of Faust.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - Faust's name for it
        *,
        broker: str,
        datadir: Path,
        identity: str,
        address: str = "",
        clients: Clients | None = None,
        **options: Any,
    ) -> None:
        verify_versions()
        settings: dict[str, Any] = {
            "store": "rocksdb://",
            "autodiscover": False,
            "env": {},
            "topic_disable_leader": True,
            "web_enabled": False,
            "table_standby_replicas": 0,
            # a moved partition's work goes on outside of the streams, there is nothing to wait for
            "stream_wait_empty": False,
            "broker_max_poll_records": POLL_RECORDS,
            # A full queue holds up every topic of the application, and a backlog so the results of
            # the jobs at work. Fetching stops at 80 %, partition by partition, each with a poll.
            "stream_buffer_maxsize": 6 * POLL_RECORDS * options.get("topic_partitions", 8),
            "broker_session_timeout": 6.0,
            "broker_heartbeat_interval": 1.0,
            "broker_rebalance_timeout": 30.0,
            "broker_request_timeout": 60.0,
            # client-side only: at its default a busy or spare worker leaves the group for good
            "broker_max_poll_interval": 864000.0,
            "broker_commit_interval": 0.5,
            "producer_request_timeout": 60.0,
            "producer_max_request_size": MAX_MESSAGE_BYTES,
            "producer_max_batch_size": BATCH_BYTES,
            "Table": MeshTable,
            "TableManager": MeshTableManager,
            "Monitor": MeshMonitor,
            # Faust's own way of telling the members of a group apart, known to each of them
            "canonical_url": f"http://{identity}/{address}",
        }
        self.clients = clients or Clients()
        brokers = ";".join(f"kafka://{address}" for address in broker.split(","))
        super().__init__(id, broker=brokers, datadir=datadir, **settings | options)
        self.__dict__["flow_control"] = CalmFlow()
        #: For how long this worker's partitions are sure to be its own.
        self.lease = Lease(self.conf.broker_session_timeout)

    def _create_directories(self) -> None:
        # Faust makes the folder itself but not its parents
        self.conf.datadir.mkdir(parents=True, exist_ok=True)
        super()._create_directories()

    def table(self, name: str, partitions: int, purpose: str) -> MeshTable:
        """Declare a table with text keys and JSON values, kept on this worker's disk."""
        table = self.Table(
            name, partitions=partitions, key_type=str, help=purpose, extra_topic_configs=CHANGELOG
        )
        assert isinstance(table, MeshTable)
        return table

    def changelogs(self) -> list[Layout]:
        """Return how the changelogs of this application's tables are laid out."""
        return [
            Layout(table.changelog_topic_name, table.partitions, FOREVER, compacted=True)
            for table in self.tables.values()
            if isinstance(table, MeshTable) and table.partitions
        ]

    def committed(self, tp: TP) -> int:
        """Return the committed offset of a partition as this worker knows it, 0 for none."""
        assert isinstance(self.consumer, MeshConsumer)
        return self.consumer._committed_offset[tp] or 0

    def members(self) -> set[str]:
        """Return the identities of the group's members, as the last assignment knew them."""
        assert isinstance(self.assignor, PartitionAssignor)
        return {URL(url).host or "" for url in self.assignor.external_topic_distribution}

    def holder_of(self, tp: TP) -> str:
        """Return the address of the worker that has a partition, empty where nobody is known."""
        assert isinstance(self.assignor, PartitionAssignor)
        for url, topics in self.assignor.external_topic_distribution.items():
            if tp.partition in topics.get(tp.topic, ()):
                return URL(url).path.lstrip("/")
        return ""

    def _new_producer(self) -> ProducerT:
        producer = super()._new_producer()
        # the conductor pauses in steps of 0.1 s above this; what must be durable is awaited anyway
        producer.buffer.max_messages = 10_000
        return producer

    def _new_transport(self) -> MeshTransport:
        return MeshTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> MeshTransport:
        return MeshTransport(self.conf.broker_producer, self)
