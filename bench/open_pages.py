"""200 open pages and 50 events a second: how late a page shows them, and what grows meanwhile.

    python -m bench.open_pages [--pages N] [--rate N] [--minutes N] [--short] [--json]

Runs a Kafka and a worker with the observer's role, with so many clients that follow the feed and
ask for the state as a page does, and one page in a real Chromium. Messages are written to the
topics as the agents write them. First, before any page is open, as fast as they go, until all that
the worker keeps of the newest is full; then at the rate:
- from before a message is sent to the frame in which the page shows it; and to all clients,
- how long a page that is opened meanwhile takes to its first paint,
- how fast the memory of the worker and that of the page grow.

Without a Chromium on this machine it measures the rest, and says so.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser

from bench.figures import Figure, quantile, report
from bench.pipeline.worker import processor_time
from bench.readers import Readers, reading
from bench.task_traffic import Writer
from bench.telemetry import PREFIX, observer
from bench.watched_page import Held, WatchedPage, browsing, chromium, first_paint, watching
from tests.kafka import running_kafka
from tests.worker import Worker

COUNTS = "/api/v1/mesh/counts"
LATE_MS, PAINT_SECONDS = 300.0, 1.0
# what a worker's memory may seem to grow by, since an allocator is never quite at rest
WORKER_MB = 1.0
HEAP_MB, NODES = 1.0, 500.0
MB = 1 << 20
# what is still on its way may take so long
LAST_SECONDS = 5.0
NO_BROWSER = "There is no Chromium on this machine: the page itself is not measured."


@dataclass(frozen=True)
class Plan:
    """How much is measured: clients, events a second, and what comes before the measurement.

    ``settle`` and ``seconds`` are how long the rate is kept before and while it is measured.
    """

    pages: int = 200
    rate: float = 50.0
    filling: int = 50_000
    settle: float = 60.0
    seconds: float = 180.0
    paints: int = 5


SHORT = Plan(pages=20, filling=500, settle=2.0, seconds=5.0, paints=1)


class Watch:
    """Looks at what a worker's process uses from now on."""

    def __init__(self, worker: Worker) -> None:
        self._process = psutil.Process(worker.process.pid)
        self._began = time.perf_counter()
        self._used = processor_time(worker.process.pid)
        self._sizes: list[tuple[float, float]] = []
        self.look()

    def look(self) -> None:
        """Note how much memory it has now."""
        minutes = (time.perf_counter() - self._began) / 60
        self._sizes.append((minutes, self._process.memory_info().rss / MB))

    def figures(self) -> Iterator[Figure]:
        """Yield what was found."""
        took = time.perf_counter() - self._began
        share = 100 * (processor_time(self._process.pid) - self._used) / took
        yield Figure("worker's processor time", share, "% of a core")
        yield Figure("worker's memory at the start", self._sizes[0][1], "MB")
        yield Figure("worker's memory at the end", self._sizes[-1][1], "MB")
        grown = statistics.linear_regression(*zip(*self._sizes, strict=True)).slope
        yield Figure("worker's memory grows by", grown, "MB/min", WORKER_MB)


async def measure(plan: Plan) -> list[Figure]:
    """Measure all of it."""
    path = chromium()
    if path is None:
        print(NO_BROWSER, file=sys.stderr)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aimesh-bench-")))
        kafka = (await stack.enter_async_context(running_kafka(folder / "kafka"))).bootstrap
        worker = await stack.enter_async_context(observer(kafka, folder))
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        writer = Writer(await stack.enter_async_context(producer), PREFIX)
        await writer.fill(plan.filling)
        found = [await _worked_off(worker)]
        writer.count = 0  # of those that the clients will get
        browser = await stack.enter_async_context(browsing(path)) if path else None
        readers = await stack.enter_async_context(reading(worker.url, plan.pages))
        page = None
        if browser is not None:
            page = await stack.enter_async_context(watching(browser, worker.url))
        found.append(Figure("pages in a real Chromium", float(page is not None), "", 1.0, True))
        found += await _settle(plan, worker, writer, browser)
        since = time.time()
        found += await _keep(plan, worker, writer, page)
        return [*found, *await _clients(plan, readers, writer, since)]


async def _worked_off(worker: Worker) -> Figure:
    """Wait until all of the filling is worked off: what is late then is the rate's own."""
    began, before = time.perf_counter(), -1
    while True:
        counts = (await worker.get(COUNTS))["counts"]
        if (now := sum(counts.values())) == before:
            return Figure("the filling was worked off in", time.perf_counter() - began, "s")
        before = now
        await asyncio.sleep(2.0)


async def _settle(
    plan: Plan, worker: Worker, writer: Writer, browser: Browser | None
) -> list[Figure]:
    """Keep the rate for a while, and open further pages meanwhile."""
    writing = asyncio.create_task(writer.keep(plan.rate, plan.settle))
    paints = []
    if browser is not None:
        paints = [await first_paint(browser, worker.url) for _ in range(plan.paints)]
    await writing
    if not paints:
        return []
    return [
        Figure("first paint, half", statistics.median(paints), "s"),
        Figure("first paint, the slowest", max(paints), "s", PAINT_SECONDS),
    ]


async def _keep(
    plan: Plan, worker: Worker, writer: Writer, page: WatchedPage | None
) -> list[Figure]:
    """Keep the rate, and return what the worker and the page make of it."""
    if page is None:
        return list((await _worker(plan, worker, writer, None)).figures())
    before = await page.held()
    writer.sent.clear()
    watch = await _worker(plan, worker, writer, page)
    await _until_shown(page, writer.sent)
    after = await page.held()
    return [
        *_latency(writer.sent, page.painted),
        *watch.figures(),
        *_growth(before, after, plan.seconds / 60),
    ]


async def _worker(plan: Plan, worker: Worker, writer: Writer, page: WatchedPage | None) -> Watch:
    """Keep the rate, and look every second."""
    watch = Watch(worker)
    writing = asyncio.create_task(writer.keep(plan.rate, plan.seconds))
    while not writing.done():
        await asyncio.wait({writing}, timeout=1.0)
        watch.look()
        if page is not None:
            await page.take()
    writing.result()
    return watch


async def _until_shown(page: WatchedPage, sent: Mapping[str, float]) -> None:
    """Wait until the page has shown all, or as long as it may take."""
    deadline = time.monotonic() + LAST_SECONDS
    while time.monotonic() < deadline and not sent.keys() <= page.painted.keys():
        await asyncio.sleep(0.1)
        await page.take()


def _latency(sent: Mapping[str, float], painted: Mapping[str, float]) -> Iterator[Figure]:
    """Yield how late a page shows what was sent."""
    late = sorted(1000 * (painted[mark] - at) for mark, at in sent.items() if mark in painted)
    yield Figure("messages that the page has not shown", len(sent) - len(late), "", 0.0)
    if late:
        yield Figure("a message to pixels, half", quantile(late, 0.5), "ms")
        yield Figure("a message to pixels, 19 of 20", quantile(late, 0.95), "ms", LATE_MS)
        yield Figure("a message to pixels, the latest", late[-1], "ms")


def _growth(before: Held, after: Held, minutes: float) -> Iterator[Figure]:
    """Yield what a page holds at the end, and how much more than at the start."""
    yield Figure("page's heap at the start", before.heap_mb, "MB")
    yield Figure("page's heap at the end", after.heap_mb, "MB")
    heap = (after.heap_mb - before.heap_mb) / minutes
    yield Figure("page's heap grows by", heap, "MB/min", HEAP_MB)
    yield Figure("page's nodes at the start", before.nodes, "")
    yield Figure("page's nodes at the end", after.nodes, "")
    yield Figure("page's nodes grow by", (after.nodes - before.nodes) / minutes, "/min", NODES)
    yield Figure("page's listeners at the end", after.listeners, "")


async def _clients(plan: Plan, readers: Readers, writer: Writer, since: float) -> list[Figure]:
    """End the clients, and return what they have got, and how late while the rate was kept."""
    got = await readers.done(writer.count, since)
    return [
        Figure("clients of the feed", got["clients"], "", plan.pages, True),
        Figure("clients whose connection broke", got["broken"], "", 0.0),
        Figure("events that a client has not got", writer.count - got["least"], "", 0.0),
        Figure("a message to the clients, half", got["late_p50_ms"], "ms"),
        Figure("a message to the clients, 19 of 20", got["late_p95_ms"], "ms", LATE_MS),
        Figure("the state for a client, 19 of 20", got["state_p95_ms"], "ms"),
    ]


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, help="clients of the feed")
    parser.add_argument("--rate", type=float, help="events a second")
    parser.add_argument("--minutes", type=float, help="of the measurement")
    parser.add_argument("--short", action="store_true", help="little of everything")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    plan = SHORT if options.short else Plan()
    plan = replace(
        plan,
        pages=options.pages or plan.pages,
        rate=options.rate or plan.rate,
        seconds=60 * options.minutes if options.minutes else plan.seconds,
    )
    # a new topic has no leader at first, and the clients tell so again and again
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    print(report(lambda: measure(plan), options.json))


if __name__ == "__main__":
    main()
