"""What observing costs when there is 100 times as much.

    python -m bench.growth_observer [--messages N] [--clients N] [--short] [--json]

- processor time of a worker that observes for each event that a client of the feed gets, with N,
  10 N and 100 N clients,
- processor time for each message of any agents, from none to N, to 10 N and to 100 N, with a tenth
  as many errors; and how long each path takes at each of these sizes.

What one of them costs must not grow.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaProducer

from bench.figures import Figure, report
from bench.pipeline.worker import processor_time, until_calm
from bench.readers import reading
from bench.task_traffic import Writer
from bench.telemetry import PREFIX, Asker, observer, traffic
from tests.kafka import running_kafka
from tests.worker import Worker

MESSAGES, CLIENTS = 10_000, 2
TIMES = (1, 10, 100)
ERRORS_PER_MESSAGE = 0.1
REQUESTS = 100
RATE, SECONDS = 50.0, 20.0
# how much more one may cost at 100 times as many, where 1 is what it costs at 10 times
MOST_GROWTH = 1.2
# an answer that holds more has more to say; a scan would take 10 times as long
MOST_PATH_GROWTH = 2.0
# an answer that has grown by so much is told of by its bytes, too
LARGER = 1.1

# milliseconds and bytes of an answer, half of them
Half = tuple[float, float]


async def measure(messages: int, clients: int, seconds: float) -> list[Figure]:
    """Measure all of it, one after the other."""
    with tempfile.TemporaryDirectory(prefix="aimesh-bench-") as name:
        folder = Path(name)
        async with (
            running_kafka(folder / "kafka") as kafka,
            observer(kafka.bootstrap, folder) as worker,
        ):
            found = await _clients(kafka.bootstrap, worker, clients, seconds)
            return [*found, *await _messages(kafka.bootstrap, worker, messages)]


async def _messages(kafka: str, worker: Worker, messages: int) -> list[Figure]:
    figures, costs, paths = list[Figure](), list[float](), list[dict[str, Half]]()
    known = 0
    for times in TIMES:
        total = messages * times
        costs.append(await _taken_in(kafka, worker, known, total, seed=times))
        paths.append(await _paths(worker))
        known = total
        figures += [
            Figure(f"{total:,} messages: taking one in", costs[-1], "ms"),
            Figure(f"{total:,} messages: the slowest path, half", max(paths[-1].values())[0], "ms"),
        ]
    figures.append(Figure("a message, 100 to 10 times", costs[2] / costs[1], "times", MOST_GROWTH))
    return [*figures, *_growths(paths[1], paths[2])]


async def _taken_in(kafka: str, worker: Worker, known: int, total: int, seed: int) -> float:
    """Take messages in up to a total; return the milliseconds of processor time for each."""
    count = total - known
    errors = int(count * ERRORS_PER_MESSAGE)
    used = processor_time(worker.process.pid)
    await traffic(kafka, count, errors, "--seed", seed)
    await worker.wait("/api/v1/queues?limit=1", lambda b: b["total_messages"] >= total, 600)
    await until_calm(worker.process.pid)
    return 1000 * (processor_time(worker.process.pid) - used) / (count + errors)


async def _paths(worker: Worker) -> dict[str, Half]:
    """Return the medians of each path's milliseconds and bytes."""
    asker = Asker(worker)
    await asker.learn()
    found = {}
    async with aiohttp.ClientSession(worker.url) as http:
        for name, make in asker.paths().items():
            times, sizes = zip(*await asker.answers(http, make, REQUESTS), strict=True)
            found[name] = statistics.median(times), statistics.median(sizes)
    return found


def _growths(before: Mapping[str, Half], after: Mapping[str, Half]) -> Iterator[Figure]:
    """Yield how much longer each path takes than with a tenth, and the median of them.

    Where its answers hold more, too, how much longer it takes for each byte of them.
    """
    growths = {name: after[name][0] / before[name][0] for name in after}
    half = statistics.median(growths.values())
    yield Figure("a path's time, 100 to 10 times, half", half, "times", MOST_GROWTH)
    for name, growth in growths.items():
        yield Figure(f"{name}, 100 to 10 times", growth, "times", MOST_PATH_GROWTH)
        larger = after[name][1] / before[name][1]
        if larger > LARGER:
            yield Figure(f"{name}, for each byte of its answer", growth / larger, "times")


async def _clients(kafka: str, worker: Worker, clients: int, seconds: float) -> list[Figure]:
    figures, costs = list[Figure](), list[float]()
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        writer = Writer(producer, PREFIX)
        alone = await _kept(worker, writer, seconds)
        for times in TIMES:
            count = clients * times
            async with reading(worker.url, count, every=0) as readers:
                before = writer.count
                used = await _kept(worker, writer, seconds)
                got = await readers.done(writer.count - before)
            costs.append(1000 * (used - alone) / max(1.0, got["all"]))
            figures.append(Figure(f"{count} clients: an event to one", costs[-1], "ms"))
    growth = costs[2] / costs[1]
    return [*figures, Figure("an event to one, 100 to 10 times", growth, "times", MOST_GROWTH)]


async def _kept(worker: Worker, writer: Writer, seconds: float) -> float:
    """Keep events coming for a while; return the seconds of processor time that it took."""
    used = processor_time(worker.process.pid)
    await writer.keep(RATE, seconds)
    return processor_time(worker.process.pid) - used


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=MESSAGES, help="at 1x")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="at 1x")
    parser.add_argument("--short", action="store_true", help="little of everything")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # a new topic has no leader at first, and the clients tell so again and again
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    messages, clients, seconds = options.messages, options.clients, SECONDS
    if options.short:
        messages, clients, seconds = 100, 1, 2.0
    print(report(lambda: measure(messages, clients, seconds), options.json))


if __name__ == "__main__":
    main()
