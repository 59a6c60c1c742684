"""How the embedded Kafka and its Java runtime are set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_MIB = 1 << 20

_JVM = (
    "-Djava.net.preferIPv4Stack=true",
    # no files in the system's folder for temporary ones
    "-XX:-UsePerfData",
    "-Djava.io.tmpdir=tmp",
    # little memory and a quick start matter more here than peak throughput
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xss512k",
)

JVM_OPTIONS = (
    *_JVM,
    "-Xmx256m",
    "-Djdk.nio.maxCachedBufferSize=1048576",
    # better restarted than half alive
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:ErrorFile=crash-%p.log",
    f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}",
)

FORMAT_OPTIONS = (*_JVM, "-Xmx64m", "-Dlog4j2.level=off", "-Dlog4j2.statusLoggerLevel=off")

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    # one node, so one replica of everything
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # few clients: fewer files and threads, and a rebalance at once
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 4,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 4,
    "group.coordinator.threads": 1,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    # a model's answer may be long
    "message.max.bytes": 8 * _MIB,
    "replica.fetch.max.bytes": 8 * _MIB,
    # the defaults, 10 and 128 MiB, are for servers
    "log.index.size.max.bytes": _MIB,
    "log.cleaner.dedupe.buffer.size": 8 * _MIB,
    # after a kill the controller waits this long for the broker's earlier self (default: 9 s)
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    # an idle broker otherwise writes twice a second
    "metadata.max.idle.interval.ms": 5000,
    "metadata.log.segment.bytes": 8 * _MIB,
    "metadata.max.retention.bytes": 32 * _MIB,
}


def server_properties(
    host: str,
    port: int,
    controller_port: int,
    log_dir: str,
    listeners: Mapping[str, int] | None = None,
    properties: Mapping[str, str] | None = None,
) -> str:
    """The text of the broker's settings file.

    Arguments:
        host: the address that it listens on.
        port: where clients connect.
        controller_port: where its own controller listens.
        log_dir: the folder of its data, relative to its working folder.
        listeners: further ports where clients connect, by security protocol.
        properties: further settings of Kafka, which outweigh the ones here.
    """
    ports = {"PLAINTEXT": port, **(listeners or {})}
    open_to_clients = ",".join(f"{name}://{host}:{number}" for name, number in ports.items())
    protocols = ",".join(f"{name}:{name}" for name in ports)
    settings = {
        **_SETTINGS,
        "listeners": f"{open_to_clients},CONTROLLER://{host}:{controller_port}",
        "advertised.listeners": open_to_clients,
        "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@{host}:{controller_port}",
        "log.dirs": log_dir,
        **(properties or {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
