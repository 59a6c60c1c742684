"""How fast a whole mesh is on this machine, and what it takes while it is idle.

    python -m bench.mesh [--json]

Runs `aimesh up` in a folder of its own, with the rehearsal model, which answers at once:
- from the start to the first reviewed task in the archive (Kafka fetched before),
- from submitting a task to its row, one at a time; with and without the time in the sandbox,
- a burst of tasks through all five stages, from the first submitted to the last row,
- processor time and memory of the worker and of Kafka while nothing happens.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import aiohttp
import psutil

from bench.figures import Figure, report
from tests.local_mesh import LocalMesh, running_up
from tests.mesh import simple
from tests.waiting import until

TASKS, BURST, IDLE_SECONDS = 30, 50, 30.0
API = "/api/v1/mesh"
MB = 1 << 20
# so long that no task of its own comes in between
QUIET = "86400"


async def measure(tasks: int, burst: int, idle: float) -> list[Figure]:
    """Measure all of it, one after the other.

    Arguments:
        tasks: how many are submitted one at a time.
        burst: how many at once.
        idle: seconds for which the idle mesh is watched.
    """
    with tempfile.TemporaryDirectory(prefix="aimesh-bench-") as name:
        folder = Path(name)
        found = [await _first_task(folder)]
        async with running_up(folder, told="second.log", AIMESH_PRODUCER_INTERVAL=QUIET) as mesh:
            await mesh.worker.wait(f"{API}/in-flight", lambda body: body["total"] == 0)
            async with aiohttp.ClientSession(mesh.worker.url) as http:
                # what is imported and compiled at first is no part of what a task takes
                await _one_by_one(mesh, http, simple(3, 900))
                found += await _latency(mesh, http, tasks)
                found.append(await _burst(mesh, http, burst))
            await asyncio.sleep(3.0)
            found += await _idle(mesh, idle)
            await mesh.interrupt()
        return found


async def _first_task(folder: Path) -> Figure:
    began = time.perf_counter()
    async with running_up(folder) as mesh:
        await _until_rows(mesh, 1)
        took = time.perf_counter() - began
        await mesh.interrupt()
    return Figure("start to first reviewed task", took, "s", 30.0)


async def _latency(mesh: LocalMesh, http: aiohttp.ClientSession, tasks: int) -> list[Figure]:
    whole, sandbox = await _one_by_one(mesh, http, simple(tasks))
    beyond = [took - inside for took, inside in zip(whole, sandbox, strict=True)]
    return [
        Figure("submit to row, median", statistics.median(whole), "s"),
        Figure("of it in the sandbox, median", statistics.median(sandbox), "s"),
        Figure("submit to row beyond the sandbox, median", statistics.median(beyond), "s", 0.5),
        Figure("the same, 9 of 10 are faster", statistics.quantiles(beyond, n=10)[-1], "s"),
    ]


async def _one_by_one(
    mesh: LocalMesh, http: aiohttp.ClientSession, texts: Iterable[str]
) -> tuple[list[float], list[float]]:
    """Return for each task how long it took, and how long of it it was in the sandbox."""
    whole, sandbox = [], []
    for text in texts:
        began = time.perf_counter()
        task_id = await _submit(http, text)
        await _until_archived(mesh, [task_id])
        whole.append(time.perf_counter() - began)
        state = await mesh.worker.reviewed(task_id)
        sandbox.append(sum(a["verdict"]["wall_s"] for a in state["attempts"].values()))
        await asyncio.sleep(0.3)
    return whole, sandbox


async def _burst(mesh: LocalMesh, http: aiohttp.ClientSession, count: int) -> Figure:
    began = time.perf_counter()
    ids = await asyncio.gather(*(_submit(http, text) for text in simple(count, 500)))
    await _until_archived(mesh, ids)
    took = time.perf_counter() - began
    return Figure(f"{count} at once to the last row", took, "s", 5.0)


async def _idle(mesh: LocalMesh, seconds: float) -> list[Figure]:
    programs = mesh.programs()
    before = {name: _processor_time(programs[name]) for name in ("worker", "kafka")}
    await asyncio.sleep(seconds)
    figures = []
    for name, goals in (("worker", (10.0, 300.0)), ("kafka", (None, 400.0))):
        used = 100 * (_processor_time(programs[name]) - before[name]) / seconds
        figures.append(Figure(f"{name} at idle", used, "% of a core", goals[0]))
        size = programs[name].memory_info().rss / MB
        figures.append(Figure(f"{name}'s memory", size, "MB", goals[1]))
    return figures


def _processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _submit(http: aiohttp.ClientSession, text: str) -> str:
    async with http.post(f"{API}/tasks", json={"task": text}) as answer:
        answer.raise_for_status()
        return str((await answer.json())["task_id"])


async def _until_archived(mesh: LocalMesh, ids: Sequence[str]) -> None:
    path = mesh.data / "ai_history.csv"
    while True:
        text = path.read_text() if path.exists() else ""
        if all(task_id in text for task_id in ids):
            return
        await asyncio.sleep(0.005)


async def _until_rows(mesh: LocalMesh, count: int) -> None:
    await until(lambda: len(mesh.rows()) >= count, 120)


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=TASKS, help="submitted one at a time")
    parser.add_argument("--burst", type=int, default=BURST, help="submitted at once")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds of watching")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    print(report(lambda: measure(arguments.tasks, arguments.burst, arguments.idle), arguments.json))


if __name__ == "__main__":
    main()
