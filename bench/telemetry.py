"""How fast the telemetry answers, and how much it takes in, with a million messages in its tables.

    python -m bench.telemetry [--messages N] [--errors N] [--json]

Runs a Kafka and a worker with the observer's role in a folder of its own:
- fills the tables as fast as it can, and asks for things meanwhile,
- asks for every list and detail, again and again, for messages of all ages,
- takes in 5,000 messages a second for a while, and asks meanwhile,
- starts the worker again, with its disk and without,
- and does the same over a plain list in memory, for comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from random import Random

import aiohttp
import psutil

from aimesh.embedded.ports import free_port
from bench.figures import Figure, report
from bench.pipeline.worker import until_calm
from bench.telemetry_naive import naive_milliseconds
from tests.kafka import running_kafka
from tests.worker import Worker

MESSAGES, ERRORS = 1_000_000, 100_000
RATE, RATE_SECONDS = 5500, 30
LEAST_RATE = 5000
REQUESTS = 300
PATH_MS = 20.0
# for each path, where it is not `PATH_MS`
GOALS_MS = {
    "queues": 10.0,
    "claude/diagnose": 150.0,
    "claude/diagnose?format=prompt": 150.0,
    "claude/errors": 150.0,
    "claude/slow-traces": 150.0,
    "oracle/state": 100.0,
    "oracle/state?format=log": 100.0,
    "oracle/state?format=summary": 250.0,
}
MOST_MB = 600.0
PREFIX = "bench."
MB = 1 << 20


@asynccontextmanager
async def observer(kafka: str, folder: Path) -> AsyncIterator[Worker]:
    """Run a worker that observes; the body begins when it is ready."""
    port = free_port()
    own = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "AIMESH_TOPIC_PREFIX": PREFIX,
        "AIMESH_ROLES": "observer",
        "AIMESH_WEB_PORT": str(port),
        "AIMESH_DATA": str(folder / "data"),
    }
    log = folder / f"worker-{port}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aimesh", "worker", "-l", "warn",
            env={**os.environ, **own}, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    worker = Worker(process, f"http://127.0.0.1:{port}", log)
    try:
        await worker.wait("/readyz", lambda body: body["ready"], 600)
        yield worker
    finally:
        await worker.stop()


async def traffic(kafka: str, *arguments: object) -> dict[str, float]:
    """Let another process write messages; return what it says of it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.telemetry_traffic", kafka, PREFIX, *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, "the traffic has ended early"
    found: dict[str, float] = json.loads(told)
    return found


class Asker:
    """Asks a worker for things, and notes how long each answer took."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._random = Random(1)
        self._names: dict[str, list[str]] = {}

    async def learn(self) -> None:
        """Find agents, traces and errors that can be asked for, old and new ones."""
        known = await self._worker.get("/api/v1/queues")
        self._names["agent"] = [queue["agent_name"] for queue in known["queues"]]
        newest = known["total_messages"]
        for kind, path, key in (("trace", "traces", "trace_id"), ("error", "errors", "error_id")):
            found = []
            for _ in range(20):
                cursor = f"{kind[0]}{self._random.randrange(1, newest)}"
                body = await self._worker.get(f"/api/v1/{path}?limit=500&cursor={cursor}")
                found += [one[key] for one in body[path]]
            self._names[kind] = found

    def paths(self) -> dict[str, Callable[[], str]]:
        """Return every path, each with what makes an address of it."""
        pick = self._random.choice
        names = self._names
        severities = cycle(["critical", "error", "warning", "info"])
        return {
            "queues": lambda: "queues",
            "queues/{agent}": lambda: f"queues/{pick(names['agent'])}",
            "queues/{agent}?limit=500": lambda: f"queues/{pick(names['agent'])}?limit=500",
            "queues/{agent}?message_type": lambda: (
                f"queues/{pick(names['agent'])}?message_type=error"
            ),
            "queues/{agent}/pending": lambda: f"queues/{pick(names['agent'])}/pending",
            "errors": lambda: "errors",
            "errors?limit=500": lambda: "errors?limit=500",
            "errors?severity": lambda: f"errors?severity={next(severities)}",
            "errors?severity&category&agent": lambda: (
                f"errors?severity={next(severities)}&category=llm_error&agent={pick(names['agent'])}"
            ),
            "errors?trace_id": lambda: f"errors?trace_id={pick(names['trace'])}",
            "errors/summary": lambda: "errors/summary",
            "errors/{error_id}": lambda: f"errors/{pick(names['error'])}",
            "errors/agent/{agent}": lambda: f"errors/agent/{pick(names['agent'])}",
            "traces": lambda: "traces",
            "traces?limit=1000": lambda: "traces?limit=1000",
            "traces?status": lambda: "traces?status=failed",
            "traces/{id}": lambda: f"traces/{pick(names['trace'])}",
            "traces/{id}/spans": lambda: f"traces/{pick(names['trace'])}/spans",
            "traces/{id}/timeline": lambda: f"traces/{pick(names['trace'])}/timeline",
            "traces/{id}/graph": lambda: f"traces/{pick(names['trace'])}/graph",
            "traces/{id}/errors": lambda: f"traces/{pick(names['trace'])}/errors",
            "metrics": lambda: "metrics",
            "metrics/spans": lambda: "metrics/spans",
            "metrics/spans?agent_name": lambda: f"metrics/spans?agent_name={pick(names['agent'])}",
            "agents": lambda: "agents",
            "claude/diagnose": lambda: "claude/diagnose",
            "claude/diagnose?format=prompt": lambda: "claude/diagnose?format=prompt",
            "claude/errors": lambda: "claude/errors",
            "claude/slow-traces": lambda: "claude/slow-traces",
            "oracle/state": lambda: "oracle/state",
            "oracle/state?format=log": lambda: "oracle/state?format=log",
            "oracle/state?format=summary": lambda: "oracle/state?format=summary",
        }

    async def times(
        self, http: aiohttp.ClientSession, make: Callable[[], str], count: int
    ) -> list[float]:
        """Return how many milliseconds answers take, one after the other."""
        return [took for took, _ in await self.answers(http, make, count)]

    async def answers(
        self, http: aiohttp.ClientSession, make: Callable[[], str], count: int
    ) -> list[tuple[float, int]]:
        """Return of answers, one after the other, their milliseconds and their bytes."""
        found = []
        for _ in range(count):
            began = time.perf_counter()
            async with http.get(f"/api/v1/{make()}") as answer:
                size = len(await answer.read())
                assert answer.status in (200, 404), answer.status
            found.append((1000 * (time.perf_counter() - began), size))
        return found


async def measure(messages: int, errors: int) -> list[Figure]:
    """Measure all of it, one after the other."""
    with tempfile.TemporaryDirectory(prefix="aimesh-bench-") as name:
        folder = Path(name)
        async with running_kafka(folder / "kafka") as kafka:
            async with observer(kafka.bootstrap, folder) as worker:
                found = await _fill(kafka.bootstrap, worker, messages, errors)
                asker = Asker(worker)
                await asker.learn()
                found += await _ask(worker, asker)
                found += await _sustain(kafka.bootstrap, worker, asker, messages)
                found.append(_memory(worker, "memory"))
            found += await _again(kafka.bootstrap, folder)
    return [*found, *_naive(found)]


async def _fill(kafka: str, worker: Worker, messages: int, errors: int) -> list[Figure]:
    began = time.perf_counter()
    writing = asyncio.create_task(traffic(kafka, messages, errors))
    while True:
        body = await worker.get("/api/v1/queues?limit=1")
        seen = body["total_messages"]
        if sys.stderr.isatty():
            print(f"\r{seen:,} messages taken in", end="", file=sys.stderr, flush=True)
        if seen >= messages:
            break
        if writing.done():
            writing.result()
        await asyncio.sleep(1.0)
    await writing
    await worker.wait("/api/v1/errors/summary", lambda b: b["total_errors"] >= errors, 120)
    took = time.perf_counter() - began
    await until_calm(worker.process.pid)
    return [Figure("taken in while Kafka was being filled", (messages + errors) / took, "a second")]


async def _ask(worker: Worker, asker: Asker) -> list[Figure]:
    figures = []
    async with aiohttp.ClientSession(worker.url) as http:
        for name, make in asker.paths().items():
            times = await asker.times(http, make, REQUESTS)
            goal = GOALS_MS.get(name, PATH_MS)
            p99 = statistics.quantiles(times, n=100)[98]
            figures.append(Figure(f"{name}, 99 of 100", p99, "ms", goal))
    return figures


async def _sustain(kafka: str, worker: Worker, asker: Asker, before: int) -> list[Figure]:
    """Take in more at a fixed rate, and ask meanwhile."""
    count = RATE * RATE_SECONDS
    errors = count // 11
    writing = asyncio.create_task(
        traffic(kafka, count - errors, errors, "--rate", RATE, "--seed", 2)
    )
    asked: dict[str, list[float]] = {}
    async with aiohttp.ClientSession(worker.url) as http:
        paths = asker.paths()
        while not writing.done():
            for name, make in paths.items():
                asked.setdefault(name, []).extend(await asker.times(http, make, 1))
                await asyncio.sleep(0.005)
    written = await writing
    wanted = before + count - errors
    await worker.wait("/api/v1/queues?limit=1", lambda b: b["total_messages"] >= wanted, 120)
    # what writes them takes a second to start
    took = time.time() - written["began_at"]
    every = [one for times in asked.values() for one in times]
    return [
        Figure(f"{count:,} more while asked, 5,000 a second", took, "s", count / LEAST_RATE),
        Figure(
            "meanwhile queues, 99 of 100", statistics.quantiles(asked["queues"], n=100)[98], "ms"
        ),
        Figure("meanwhile any path, half", statistics.median(every), "ms"),
        Figure("meanwhile any path, 99 of 100", statistics.quantiles(every, n=100)[98], "ms"),
    ]


def _memory(worker: Worker, name: str) -> Figure:
    size = psutil.Process(worker.process.pid).memory_info().rss / MB
    return Figure(name, size, "MB", MOST_MB)


async def _again(kafka: str, folder: Path) -> list[Figure]:
    """Start the worker again, with its disk and without."""
    figures = []
    for name in ("started again", "and again without its disk"):
        began = time.perf_counter()
        async with observer(kafka, folder) as worker:
            figures.append(Figure(f"{name}, until ready", time.perf_counter() - began, "s"))
            figures.append(_memory(worker, f"memory, {name}"))
        await asyncio.to_thread(shutil.rmtree, folder / "data" / "workers")
    return figures


def _naive(figures: list[Figure]) -> list[Figure]:
    """Return how long a scan of a list in memory takes, and how often faster the tables are."""
    known = {figure.name: figure.value for figure in figures}
    found = []
    for name, took in naive_milliseconds().items():
        found.append(Figure(f"a list of 10,000 messages: {name}", took, "ms"))
        ours = known.get(f"{name}, 99 of 100")
        if ours:
            found.append(
                Figure(f"the tables with all of them: {name}", took / ours, "times faster")
            )
    return found


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--errors", type=int, default=ERRORS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    print(report(lambda: measure(arguments.messages, arguments.errors), arguments.json))


if __name__ == "__main__":
    main()
