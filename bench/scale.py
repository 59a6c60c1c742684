"""How much faster more consumers are: tasks per second with 1 and with 3 of them.

    python bench/scale.py

Each consumer is a process with one slot; the model takes one second for every answer, and Kafka is
the embedded one. Tasks wait in every partition all the time, and what is counted is solutions that
reach their topic within a window. The goal is at least 2.7 times as many with 3 consumers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaProducer

from aimesh import topics
from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port
from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.services.kafka import KafkaAdmin

GOAL = 2.7
GROUP = "aimesh-consumer"
# can be divided among 1, 2, 3, 4 and 6 consumers
PARTITIONS = 12
READY_SECONDS = 120.0


@asynccontextmanager
async def consumer(kafka: str, model: str, folder: Path, name: str) -> AsyncIterator[None]:
    """Run a worker with the consumer's role alone; the body begins when it is ready."""
    port = free_port()
    own = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "OLLAMA_BASE_URL": model,
        "AIMESH_ROLES": "consumer",
        "AIMESH_LLM_CONCURRENCY": "1",
        "AIMESH_PARTITIONS": str(PARTITIONS),
        "AIMESH_MEMORY": "false",
        "AIMESH_WORKER": name,
        "AIMESH_WEB_PORT": str(port),
        "AIMESH_DATA": str(folder),
    }
    path = folder / f"{name}.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aimesh", "worker", "-l", "info",
            env={**os.environ, **own}, stdout=log, stderr=log,
        )  # fmt: skip

        async def ready() -> bool:
            if process.returncode is not None:
                raise SystemExit(f"a consumer has ended:\n{path.read_text()[-2000:]}")
            return await is_ready(port)

        try:
            await until(ready)
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def is_ready(port: int) -> bool:
    """Tell whether a worker has its partitions and its tables."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/readyz") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.2)


async def fill(kafka: str, count: int) -> None:
    """Put tasks into the mesh, evenly over all partitions."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for number in range(count):
            task = json.dumps({"task": f"Write a function that adds {number} to a number."})
            await producer.send(topics.TASKS, task.encode(), partition=number % PARTITIONS)


async def solutions(admin: KafkaAdmin) -> int:
    """Return how many solutions there are."""
    return sum((await admin.ends({topics.SOLUTIONS: PARTITIONS})).values())


async def until_working(admin: KafkaAdmin, workers: int) -> None:
    """Wait until the group has all its members, and they have solved something since."""

    async def has_all() -> bool:
        return (await admin.members([GROUP]))[GROUP] == workers

    async def has_more() -> bool:
        return await solutions(admin) >= begun + 4 * workers

    await until(has_all)
    begun = await solutions(admin)
    await until(has_more)


async def measured(admin: KafkaAdmin, seconds: float) -> float:
    """Return the solutions per second within a window."""
    count, begun = await solutions(admin), time.monotonic()
    await asyncio.sleep(seconds)
    return (await solutions(admin) - count) / (time.monotonic() - begun)


async def bench(workers: int, seconds: float, latency: float) -> tuple[float, float]:
    """Return the tasks per second with one consumer, and with ``workers`` of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            EmbeddedKafka(folder / "kafka", free_port()) as kafka,
            RehearsalServer(latency=latency) as model,
        ):
            admin = KafkaAdmin(kafka.bootstrap)
            await admin.start()
            at = (kafka.bootstrap, model.url, folder)
            try:
                async with consumer(*at, "first"):
                    # enough for both windows and for what is done between them
                    await fill(kafka.bootstrap, int((seconds + 60) * (workers + 1) / latency))
                    await until_working(admin, 1)
                    alone = await measured(admin, seconds)
                    async with _more(at, workers - 1):
                        await until_working(admin, workers)
                        together = await measured(admin, seconds)
                return alone, together
            finally:
                await admin.close()


@asynccontextmanager
async def _more(at: tuple[str, str, Path], count: int) -> AsyncIterator[None]:
    """Run so many further consumers."""
    if not count:
        yield
        return
    async with consumer(*at, f"further-{count}"), _more(at, count - 1):
        yield


def main() -> int:
    """Print the figures; return 1 when the goal for three is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each window")
    parser.add_argument("--latency", type=float, default=1.0, help="of the model, in seconds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    alone, together = asyncio.run(bench(options.workers, options.seconds, options.latency))
    ratio = together / alone
    goal = GOAL * options.workers / 3
    if options.json:
        facts = {"workers": options.workers, "one": alone, "all": together, "ratio": ratio}
        print(json.dumps({k: round(v, 3) for k, v in facts.items()}))
    else:
        print("consumers  tasks/s")
        print(f"{1:>9}  {alone:7.2f}")
        print(f"{options.workers:>9}  {together:7.2f}")
        print(f"ratio {ratio:.2f} (goal: at least {goal:.2f})")
    return 0 if ratio >= goal else 1


if __name__ == "__main__":
    sys.exit(main())
