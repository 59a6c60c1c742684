"""What is measured of one contender in one round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.figures import quantile
from bench.pipeline.contenders import Contender
from bench.pipeline.ends import Ends
from bench.pipeline.hops.place import Place
from bench.pipeline.worker import Worker, processor_time

LIMIT = 300.0
# without these a burst measures imports, connections and the first fetches
WARMING = 50
CALIBRATING = 300
# the share of tasks that are out when the worker is killed
KILL_AT = 1 / 3
# seconds that these tasks last at the least: else the fastest are done before the kill
KILL_SECONDS = 2.0


@dataclass(frozen=True)
class Plan:
    """How much of everything.

    Arguments:
        hops, partitions: of the pipeline.
        burst: seconds that the burst should take at the rate that a small one had.
        low_rate: tasks a second at which the latency is measured.
        low_tasks: how many of those.
        kill_tasks: the least tasks of the burst in which the worker is killed.
        patience: the most seconds to wait for anything to come after that.
        settling: the most seconds to wait then for what may still come.
    """

    hops: int = 5
    partitions: int = 4
    burst: float = 8.0
    low_rate: float = 20.0
    low_tasks: int = 200
    kill_tasks: int = 3000
    patience: float = LIMIT
    settling: float = LIMIT


async def measure(
    contender: Contender, place: Place, ends: Ends, plan: Plan, broker: int | None
) -> dict[str, float]:
    """Measure one contender once, and return the figures by name.

    Arguments:
        broker: the process id of its broker.
    """
    worker = Worker(contender, place)
    await ends.open()
    try:
        began = time.perf_counter()
        await worker.start()
        first = await put(ends, "warm", WARMING)
        await ends.until_out(first, LIMIT)
        found = {"start_s": min(ends.out_at[i] for i in first) - began}
        found |= await measured_latency(ends, plan)
        found |= await measured_burst(ends, plan, worker, broker)
        count = max(plan.kill_tasks, int(found["tasks_per_s"] * KILL_SECONDS))
        settling = min(contender.settling, plan.settling)
        found |= await _killed(ends, count, worker, plan.patience, settling)
        return found
    finally:
        await worker.stop()
        await ends.close()


async def wire(place: Place, ends: Ends, plan: Plan) -> dict[str, float]:
    """Return the latency of the broker alone, through a single topic."""
    await ends.open()
    try:
        await ends.until_out(await put(ends, "warm", WARMING), LIMIT)
        return await measured_latency(ends, plan)
    finally:
        await ends.close()


async def put(ends: Ends, name: str, count: int) -> list[str]:
    """Put so many tasks in and return their ids."""
    ids = [f"{name}-{number}" for number in range(count)]
    await ends.put(ids)
    return ids


async def measured_latency(ends: Ends, plan: Plan) -> dict[str, float]:
    """Measure the latency of tasks at a low rate."""
    ids = [f"low-{number}" for number in range(plan.low_tasks)]
    began = time.perf_counter()
    for number, task_id in enumerate(ids):
        await asyncio.sleep(max(0.0, began + number / plan.low_rate - time.perf_counter()))
        await ends.put([task_id])
    await ends.until_out(ids, LIMIT)
    took = ends.latencies(ids)
    return {"p50_ms": 1000 * quantile(took, 0.5), "p99_ms": 1000 * quantile(took, 0.99)}


async def measured_burst(
    ends: Ends, plan: Plan, worker: Worker, broker: int | None
) -> dict[str, float]:
    """Measure a burst, and the processor time that it takes."""
    rate = CALIBRATING / await through(ends, "calibrating", CALIBRATING)
    count = max(CALIBRATING, int(rate * plan.burst))
    used = _processor_times(worker, broker)
    took = await through(ends, "burst", count)
    own, other = (
        now - then for now, then in zip(_processor_times(worker, broker), used, strict=True)
    )
    return {
        "tasks_per_s": count / took,
        "cpu_ms_per_task": 1000 * own / count,
        "broker_cpu_ms_per_task": 1000 * other / count,
    }


def _processor_times(worker: Worker, broker: int | None) -> tuple[float, float]:
    return worker.processor_time(), processor_time(broker)


async def through(ends: Ends, name: str, count: int) -> float:
    """Return the seconds from the first task that is put in to the last that comes out."""
    began = time.perf_counter()
    ids = await put(ends, name, count)
    await ends.until_out(ids, LIMIT)
    return max(ends.out_at[i] for i in ids) - began


async def _killed(
    ends: Ends, count: int, worker: Worker, patience: float, settling: float
) -> dict[str, float]:
    """Kill the worker in the middle of a burst, start it again, and count what is missing."""
    ids = [f"kill-{number}" for number in range(count)]
    out = _counting(ends, ids)
    putting = asyncio.create_task(ends.put(ids))
    await ends.until(lambda: out() >= KILL_AT * len(ids), LIMIT)
    await worker.kill()
    await putting
    # what was on its way to here when it was killed does not show that it is back
    await asyncio.sleep(0.5)
    killed_at, before = time.perf_counter() - 0.5, out()
    await worker.start()
    # where all that was at work is lost, nothing comes
    await ends.until(
        lambda: out() > before or out() == len(ids) or _is_quiet(ends, killed_at, patience),
        LIMIT + 10,
    )
    back_at = ends.last_at
    await ends.until(lambda: _is_quiet(ends, back_at, settling), LIMIT)
    lost = sum(i not in ends.outs for i in ids)
    doubled = sum(ends.outs[i] - 1 for i in ids if i in ends.outs)
    return {"lost": lost, "doubled": doubled, "back_s": back_at - killed_at}


def _counting(ends: Ends, ids: list[str]) -> Callable[[], int]:
    """Return a function that tells how many of these tasks have come out."""
    others = len(ends.outs)
    assert not any(task_id in ends.outs for task_id in ids)
    return lambda: len(ends.outs) - others


def _is_quiet(ends: Ends, since: float, seconds: float) -> bool:
    return time.perf_counter() - max(ends.last_at, since) > seconds
