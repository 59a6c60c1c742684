"""A worker that is there before Kafka: it serves at once, tells what it waits for, then begins."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from tests.mesh import Mesh, running_mesh, simple
from tests.worker import PAUSE, Worker

# what stopping may take at the most: whoever tells a worker to stop kills it at 30 s
STOPPED_WITHIN = 25.0


@asynccontextmanager
async def without_kafka(folder: Path) -> AsyncIterator[tuple[Mesh, Worker, int]]:
    """Give a worker that has looked for Kafka, and the port where Kafka is not."""
    port = free_port()
    async with running_mesh(f"127.0.0.1:{port}", folder / "mesh") as mesh:
        worker = await mesh.start(wait=False)
        await unready(worker, "kafka")
        yield mesh, worker, port


async def unready(worker: Worker, what: str, limit: float = 60.0) -> dict[str, Any]:
    """Ask until the worker says that something is missing, and return what it says."""
    async with asyncio.timeout(limit):
        while True:
            status, body = await worker.fetch("/readyz")
            if status == 503 and what in body["not_ready"]:
                return dict(body)
            await asyncio.sleep(PAUSE)


async def test_a_worker_serves_before_kafka_is_there_and_begins_when_it_comes(
    tmp_path: Path,
) -> None:
    async with without_kafka(tmp_path) as (mesh, worker, port), aiohttp.ClientSession() as http:
        address = f"127.0.0.1:{port}"
        [away] = (await unready(worker, "kafka"))["away"]
        assert away["name"] == "kafka"
        assert away["since"]
        assert away["reason"].startswith(f"no broker answers at {address}")
        assert "aimesh doctor" in away["remedy"]
        assert worker.said("waiting for Kafka: no broker answers")

        for path in ("/livez", "/health", "/metrics", "/", "/tasks", "/static/js/main.js"):
            async with http.get(worker.url + path) as answer:
                assert answer.status == 200, path
        for method, path in (
            ("GET", "/api/v1/mesh/state"),
            ("POST", "/api/v1/mesh/tasks"),
            ("GET", "/api/v1/queues"),
        ):
            async with http.request(method, worker.url + path, json={"task": "x"}) as answer:
                problem = await answer.json(content_type=None)
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2"), path
            assert problem["detail"] == f"waiting for Kafka at {address} since {away['since']}"

        # whoever watches need not come again
        async with http.get(f"{worker.url}/api/v1/mesh/stream?kinds=task") as stream:
            assert stream.status == 200
            async with EmbeddedKafka(tmp_path / "kafka", port) as kafka:
                assert kafka.port == port
                ready = await worker.wait("/readyz", limit=60)
                assert ready == {"ready": True, "not_ready": [], "away": []}
                task_id = await worker.submit(simple(1)[0])
                await mesh.archived([task_id])
                async with asyncio.timeout(30):
                    while task_id.encode() not in await stream.content.readline():
                        pass
                assert await worker.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: str(n.name))
async def test_a_worker_that_waits_for_kafka_ends_when_it_is_told_to(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with without_kafka(tmp_path) as (_, worker, _), aiohttp.ClientSession() as http:
        # an open page must not hold it up
        async with http.get(f"{worker.url}/api/v1/mesh/stream") as stream:
            assert stream.status == 200
            begun = time.monotonic()
            worker.process.send_signal(number)
            assert await asyncio.wait_for(worker.process.wait(), 30) == 0, worker.tail()
            assert time.monotonic() - begun < STOPPED_WITHIN
        assert not worker.said("Traceback"), worker.tail(60)
        assert not worker.said("stopping took over"), worker.tail(60)
