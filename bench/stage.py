"""One Stage without work on one worker: its rate, its share of a task's time, and its recovery.

    python -m bench.stage [--short] [--json]

- a burst through one stage, with the processor time that it takes,
- tasks at a low rate, and what of their time is not Kafka's own,
- from the start of a worker to the first task that it has done,
- one of two workers is killed with SIGKILL: how long any task waits for the other to take over.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from dataclasses import replace

from aimesh.services.kafka import KafkaAdmin
from bench.figures import Figure, report
from bench.pipeline.contenders import CONTENDERS
from bench.pipeline.ends import KafkaEnds
from bench.pipeline.field import Field, field
from bench.pipeline.hops.place import Place
from bench.pipeline.trials import LIMIT, Plan, measured_burst, measured_latency, put
from bench.pipeline.worker import Worker

STAGE = CONTENDERS[0]
FULL = Plan(hops=1, burst=8.0)
SHORT = Plan(hops=1, burst=0.5, low_tasks=10)
# tasks a second and seconds of them, over which one of two workers is killed
TAKEOVER_RATE, TAKEOVER_SECONDS = 20.0, 20.0


async def measure(plan: Plan) -> list[Figure]:
    """Measure all of it, one after the other."""
    async with field(plan, with_redis=False) as the_field:
        alone = await the_field.wire()
        place = await the_field.topics("stages", 1)
        ends, worker = KafkaEnds(place), Worker(STAGE, place)
        await ends.open()
        try:
            began = time.perf_counter()
            await worker.start()
            ids = await put(ends, "warm", 50)
            await ends.until_out(ids, LIMIT)
            started = min(ends.out_at[i] for i in ids) - began
            slow = await measured_latency(ends, plan)
            burst = await measured_burst(ends, plan, worker, the_field.kafka.pid)
            second = Worker(STAGE, replace(place, folder=place.folder / "second"))
            taken = await _takeover(the_field, place, ends, worker, second)
        finally:
            await worker.stop()
            await ends.close()
    return [
        Figure("tasks through one stage", burst["tasks_per_s"], "/s", 1500.0, more_is_better=True),
        Figure("processor time of the worker", burst["cpu_ms_per_task"], "ms/task"),
        Figure("processor time of Kafka", burst["broker_cpu_ms_per_task"], "ms/task"),
        Figure("added by a stage, half", slow["p50_ms"] - alone["p50_ms"], "ms", 5.0),
        Figure("through Kafka alone, half", alone["p50_ms"], "ms"),
        Figure("start of a worker to its first task", started, "s", 5.0),
        Figure("longest wait when one of two is killed", taken, "s", 10.0),
    ]


async def _takeover(
    the_field: Field, place: Place, ends: KafkaEnds, first: Worker, second: Worker
) -> float:
    """Kill one of two workers while tasks come, and return the longest that one took."""
    second.folder.mkdir()
    await second.start()
    try:
        await until_members(the_field.kafka.bootstrap, f"{place.id}-hop0", 2)
        await ends.until_out(await put(ends, "both", 50), LIMIT)
        ids = [f"over-{n}" for n in range(int(TAKEOVER_RATE * TAKEOVER_SECONDS))]
        began = time.perf_counter()
        for number, task_id in enumerate(ids):
            await asyncio.sleep(max(0.0, began + number / TAKEOVER_RATE - time.perf_counter()))
            await ends.put([task_id])
            if number == len(ids) // 5:
                await first.kill()
        await ends.until_out(ids, LIMIT)
        return ends.latencies(ids)[-1]
    finally:
        await second.stop()


async def until_members(kafka: str, group: str, count: int) -> None:
    """Wait until a group has so many members."""
    admin = KafkaAdmin(kafka)
    await admin.start()
    try:
        async with asyncio.timeout(LIMIT):
            while True:
                if (await admin.members([group]))[group] == count:
                    return
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="little of everything")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # a new topic has no leader at first, and the clients tell so again and again
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    print(report(lambda: measure(SHORT if options.short else FULL), options.json))


if __name__ == "__main__":
    main()
