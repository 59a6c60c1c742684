"""What a task costs, and how long a worker takes to come back, when there is 100 times as much.

    python -m bench.growth [--tasks N] [--entries N] [--short] [--json]

- processor time of a worker and of Kafka for each task of a burst through one stage: of N, 10 N
  and 100 N tasks; it must not grow,
- from the start of a worker to the first task that it has done, with N, 10 N and 100 N finished
  jobs in its tables: from the changelog alone, and then from its own disk.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import time

import orjson
from aiokafka import AIOKafkaProducer

from aimesh.services.kafka import KafkaAdmin
from bench.figures import Figure, report
from bench.pipeline.contenders import CONTENDERS
from bench.pipeline.ends import KafkaEnds
from bench.pipeline.field import Field, field
from bench.pipeline.hops.place import Place
from bench.pipeline.hops.stages import stage
from bench.pipeline.trials import LIMIT, Plan, put, through
from bench.pipeline.worker import Worker, processor_time
from bench.stage import until_members

TASKS, ENTRIES = 500, 10_000
TIMES = (1, 10, 100)
# the most that a task may cost at 100 times as many, where 1 is what it costs at 10 times
MOST_GROWTH = 1.2
RESTART_SECONDS = 30.0
BATCH = 5000
MB = 1 << 20


async def measure(tasks: int, entries: int) -> list[Figure]:
    """Measure all of it, one after the other."""
    async with field(Plan(hops=1), with_redis=False) as the_field:
        figures = await _bursts(the_field, tasks)
        for times in TIMES:
            figures += await _recovery(the_field, entries * times)
        return figures


async def _bursts(the_field: Field, tasks: int) -> list[Figure]:
    place = await the_field.topics("growth", 1)
    ends, worker = KafkaEnds(place), Worker(CONTENDERS[0], place)
    await ends.open()
    costs, figures = list[float](), list[Figure]()
    try:
        await worker.start()
        await ends.until_out(await put(ends, "warm", 300), LIMIT)
        for times in TIMES:
            count, kafka = tasks * times, the_field.kafka.pid
            own, other = worker.processor_time(), processor_time(kafka)
            took = await through(ends, f"burst-{times}", count)
            costs.append(1000 * (worker.processor_time() - own) / count)
            broker = 1000 * (processor_time(kafka) - other) / count
            figures += [
                Figure(f"{count:,} tasks: rate", count / took, "/s", more_is_better=True),
                Figure(f"{count:,} tasks: worker", costs[-1], "ms/task"),
                Figure(f"{count:,} tasks: Kafka", broker, "ms/task"),
                Figure(f"{count:,} tasks: worker's memory", worker.memory() / MB, "MB"),
            ]
    finally:
        await worker.stop()
        await ends.close()
    growth = costs[2] / costs[1]
    return [*figures, Figure("cost of a task, 100 to 10 times", growth, "times", MOST_GROWTH)]


async def _recovery(the_field: Field, entries: int) -> list[Figure]:
    place = await the_field.topics("recovery", 1)
    await _fill(place, entries)
    ends = KafkaEnds(place)
    await ends.open()
    figures = []
    try:
        for name, goal in (("changelog alone", None), ("own disk", RESTART_SECONDS)):
            took, memory = await _started(the_field.kafka.bootstrap, place, ends, name)
            words = f"{entries:,} entries, {name}"
            figures.append(Figure(f"{words}: to the first task", took, "s", goal))
            figures.append(Figure(f"{words}: memory", memory / MB, "MB"))
    finally:
        await ends.close()
        await asyncio.to_thread(shutil.rmtree, place.folder)
    return figures


async def _started(kafka: str, place: Place, ends: KafkaEnds, name: str) -> tuple[float, int]:
    """Start a worker; return how long its first task takes, and how much memory it has then."""
    await until_members(kafka, f"{place.id}-hop0", 0)
    worker = Worker(CONTENDERS[0], place)
    ids = await put(ends, name, 1)
    began = time.perf_counter()
    await worker.start()
    try:
        await ends.until_out(ids, LIMIT)
        return time.perf_counter() - began, worker.memory()
    finally:
        await worker.stop()


async def _fill(place: Place, entries: int) -> None:
    """Write finished jobs into a stage's changelog, as the stage itself does."""
    layouts = stage(place, 0).app.changelogs()
    admin = KafkaAdmin(place.broker)
    await admin.start()
    try:
        await admin.ensure(layouts, 1)
    finally:
        await admin.close()
    (changelog,) = (layout.name for layout in layouts if "seen" in layout.name)
    value = orjson.dumps({"at": int(time.time())})
    async with AIOKafkaProducer(
        bootstrap_servers=place.broker, max_batch_size=256 << 10, linger_ms=5
    ) as producer:
        sent = []
        for number in range(entries):
            key = orjson.dumps(f"task-{number:032x}#1")
            partition = number % place.partitions
            sent.append(await producer.send(changelog, value, key, partition=partition))
            if len(sent) == BATCH:
                await asyncio.gather(*sent)
                sent = []
        await asyncio.gather(*sent)


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=TASKS, help="at 1x")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="at 1x")
    parser.add_argument("--short", action="store_true", help="little of everything")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # a new topic has no leader at first, and the clients tell so again and again
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    tasks, entries = (50, 10) if options.short else (options.tasks, options.entries)
    print(report(lambda: measure(tasks, entries), options.json))


if __name__ == "__main__":
    main()
