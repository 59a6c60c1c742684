"""The embedded Kafka is a real broker, alone on loopback, that survives what happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import uuid
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.errors import EmbeddedKafkaError
from tests.waiting import gone, until

OWNER = """
import asyncio, sys
from pathlib import Path
from aimesh.embedded.kafka import EmbeddedKafka

async def main():
    async with EmbeddedKafka(Path(sys.argv[1]), int(sys.argv[2])) as kafka:
        print(kafka.pid, flush=True)
        await kafka.wait()

asyncio.run(main())
"""


async def write(bootstrap: str, topic: str, *values: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=8 << 20) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first records of a topic, as a new consumer group sees them."""
    group = uuid.uuid4().hex
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    ) as consumer:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value or b"" for _ in range(count)]


async def test_serves_on_loopback_only_and_leaves_no_process(tmp_path: Path) -> None:
    async with EmbeddedKafka(tmp_path, port := free_port()) as kafka:
        assert kafka.bootstrap == f"127.0.0.1:{port}"
        pid = kafka.pid
        assert pid is not None
        await write(kafka.bootstrap, "words", b"one", b"x" * (7 << 20))
        first, second = await read(kafka.bootstrap, "words", 2)
        assert (first, len(second)) == (b"one", 7 << 20)
        connections = psutil.Process(pid).net_connections()
        listening = [item.laddr for item in connections if item.status == psutil.CONN_LISTEN]
        assert len(listening) == 2
        assert {address.ip for address in listening} == {"127.0.0.1"}
        # Ctrl-C in a terminal goes to the session's foreground group: the broker is not in it
        assert os.getsid(pid) != os.getsid(0)
        assert kafka.log.stat().st_size > 0
    assert not psutil.pid_exists(pid)
    assert kafka.pid is None


async def test_keeps_its_data_when_killed(tmp_path: Path) -> None:
    kafka = EmbeddedKafka(tmp_path, free_port())
    async with kafka:
        await write(kafka.bootstrap, "words", b"kept")
        assert kafka.pid is not None
        os.kill(kafka.pid, signal.SIGKILL)
        assert await kafka.wait() == -signal.SIGKILL
    async with kafka:
        assert await read(kafka.bootstrap, "words", 1) == [b"kept"]


async def test_uses_another_port_when_its_own_is_taken_and_shows_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        async with EmbeddedKafka(tmp_path, taken) as kafka:
            assert kafka.port != taken
            await write(kafka.bootstrap, "words", b"one")


async def test_refuses_another_port_when_its_own_is_fixed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(EmbeddedKafkaError, match=rf"Port {taken}.*is taken.*AIMESH_KAFKA_PORT"):
            await EmbeddedKafka(tmp_path, taken, fixed_port=True).start()


async def test_a_folder_has_one_broker(tmp_path: Path) -> None:
    async with EmbeddedKafka(tmp_path, free_port()):
        with pytest.raises(EmbeddedKafkaError, match=rf"process {os.getpid()}.*AIMESH_DATA"):
            await EmbeddedKafka(tmp_path, free_port()).start()


async def test_dies_with_its_owner_and_starts_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path), str(free_port())]
    owner = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert owner.stdout is not None
        broker = int(await owner.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            owner.kill()
        await owner.communicate()
    await until(lambda: gone(broker))
    async with EmbeddedKafka(tmp_path, free_port()) as kafka:
        await write(kafka.bootstrap, "words", b"one")


async def test_an_id_that_begins_with_a_dash_is_no_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID(bytes=b"\xf8" * 16))
    async with EmbeddedKafka(tmp_path, free_port()):
        assert "cluster.id=-" in (tmp_path / "log" / "meta.properties").read_text()


async def test_says_what_stops_it_from_starting(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    with pytest.raises(EmbeddedKafkaError, match=r"ended while it started.*server\.log") as caught:
        await EmbeddedKafka(tmp_path, free_port()).start()
    assert "meta.properties" in str(caught.value)
