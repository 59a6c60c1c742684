"""What is done to a mesh while it works, scenario by scenario."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal

from tests.faults.drill import Drill, Scenario
from tests.qdrant_server import hang

TWO = ("one", "two")


async def killed_again_and_again(drill: Drill) -> None:
    """Workers are killed with -9, each started again at once."""
    await drill.workers(*TWO)
    await drill.send(24, 120)
    for _ in range(2 if drill.short else 8):
        await asyncio.sleep(drill.chance.uniform(1, drill.pick(3, 8)))
        name = drill.chance.choice(TWO)
        await drill.end(name, signal.SIGKILL)
        await drill.worker(name, wait=False)


async def told_to_stop(drill: Drill) -> None:
    """Workers are told to stop, each started again at once."""
    await drill.workers(*TWO)
    await drill.send(24, 120)
    for _ in range(2 if drill.short else 6):
        await asyncio.sleep(drill.chance.uniform(1, 3))
        name = drill.chance.choice(TWO)
        await drill.end(name, signal.SIGTERM)
        await drill.worker(name, wait=False)


async def grown_and_shrunk(drill: Drill) -> None:
    """One worker becomes three, and these one again."""
    await drill.worker("one")
    await drill.send(24, 120)
    await drill.workers("two", "three")
    await drill.send(12, 60)
    await drill.end("one", signal.SIGTERM)
    await drill.end("two", signal.SIGKILL)


async def stopped_and_continued(drill: Drill) -> None:
    """A worker is stopped for longer than its group waits, and goes on as if nothing had been."""
    await drill.workers(*TWO)
    await drill.send(24, 100)
    await drill.until_done(2)
    pid = drill.of("one").process.pid
    os.killpg(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(drill.pick(9, 60))
    finally:
        os.killpg(pid, signal.SIGCONT)
    drill.hit()
    await drill.send(8, 20)


async def _without_broker(drill: Drill, seconds: float) -> None:
    await drill.workers(*TWO)
    await drill.send(20, 80)
    await drill.until_done(2)
    await drill.kafka.stop(grace=0)
    await asyncio.sleep(seconds)
    await drill.kafka.start()
    drill.hit()
    await drill.send(8, 20)


async def broker_killed(drill: Drill) -> None:
    """The broker is killed, and comes back after a while."""
    await _without_broker(drill, drill.pick(5, 15))


async def broker_away_for_long(drill: Drill) -> None:
    """The broker is away for longer than clients wait for an answer, and groups for a member."""
    await _without_broker(drill, drill.pick(15, 120))


async def state_deleted(drill: Drill) -> None:
    """A worker is killed and loses its disk, again and again."""
    await drill.worker("one")
    await drill.send(20, 80)
    for _ in range(1 if drill.short else 3):
        await asyncio.sleep(drill.chance.uniform(1, 3))
        await drill.end("one", signal.SIGKILL)
        shutil.rmtree(drill.mesh.data / "workers")
        await drill.worker("one")


async def started_again_with_a_backlog(drill: Drill) -> None:
    """While no worker is there tasks pile up, and two find them."""
    await drill.worker("one")
    await drill.send(12, 40)
    await drill.until_done(2)
    await drill.end("one", signal.SIGTERM)
    await drill.send(24, 120)
    await drill.workers(*TWO)


async def poisoned(drill: Drill) -> None:
    """Messages that are no tasks come in among the good ones."""
    await drill.worker("one")
    for _ in range(3 if drill.short else 10):
        await drill.send(6)
        await drill.send_poison(4)
    await drill.end("one", signal.SIGKILL)
    await drill.worker("one")


async def services_taken_away(drill: Drill) -> None:
    """The model server is taken away, and the memory hangs, for a while."""
    await drill.workers(*TWO)
    await drill.send(16, 60)
    await drill.until_done(2)
    drill.memory.fault = hang
    await drill.mesh.model.stop()
    drill.hit()
    await asyncio.sleep(drill.pick(4, 40))
    await drill.mesh.model.start()
    drill.hit()
    await drill.send(4, 20)
    await asyncio.sleep(drill.pick(4, 10))
    drill.memory.fault = None


SCENARIOS: dict[str, Scenario] = {
    "killed again and again": killed_again_and_again,
    "told to stop": told_to_stop,
    "1 to 3 to 1 workers": grown_and_shrunk,
    "stopped and continued": stopped_and_continued,
    "broker killed": broker_killed,
    "broker away for long": broker_away_for_long,
    "state deleted": state_deleted,
    "started again with a backlog": started_again_with_a_backlog,
    "poison among good ones": poisoned,
    "services taken away": services_taken_away,
}
