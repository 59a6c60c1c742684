"""A worker with one stage, as a process that tests can kill.

What a task's text says is done: ``ok``, ``sleep SECONDS``, ``exit`` (the process ends at once).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

from aimesh.records import Task
from aimesh.stage import Job, Send
from tests.stages import Place, echo, new_stage


async def main() -> None:
    env = os.environ
    at = Place(env["KAFKA"], Path(env["FOLDER"]), int(env["PARTITIONS"]))
    at.id = env["ID"]
    at.source, at.out = f"{at.id}-in", f"{at.id}-out"
    at.dead, at.results = f"{at.id}-dead", f"{at.id}-results"
    if env.get("CLEAN"):
        shutil.rmtree(at.folder / env["NAME"], ignore_errors=True)
    notes = (at.folder / "calls").open("a", buffering=1)

    async def work(task: Task, job: Job) -> list[Send]:
        notes.write(f"{env['NAME']} {job.key} begin\n")
        what, _, number = task.task.partition(" ")
        if what == "exit":
            os._exit(9)
        if what == "sleep":
            await asyncio.sleep(float(number))
        notes.write(f"{env['NAME']} {job.key} end\n")
        return echo(at, task, env["NAME"])

    stage = new_stage(
        at,
        work,
        env["NAME"],
        slots=int(env.get("SLOTS", "4")),
        deadline=float(env.get("DEADLINE", "60")),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stage.app.finalize()
    await stage.app.start()
    told = False
    while not stop.is_set():
        if stage.owned and not told:
            print("READY", flush=True)
            told = True
        try:
            async with asyncio.timeout(0.05):
                await stop.wait()
        except TimeoutError:
            pass
        if stage.app.crashed:
            sys.exit(1)
    await stage.drain(float(env.get("GRACE", "1")))
    await stage.app.stop()


if __name__ == "__main__":
    asyncio.run(main())
