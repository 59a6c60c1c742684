"""What the memory does: the share of tasks that pass at the first attempt, with and without it.

    python -m bench.memory [--json]

The same tasks in the same order go through two meshes whose rehearsal models have the same seed;
one mesh has a memory. This shows that what failed and what passed is remembered, recalled and used.
The rehearsal model is written to learn from it, so it says nothing of what a real model gains.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.embedded.rehearsal.catalogue import catalogue
from tests.kafka import running_kafka
from tests.mesh import Mesh, running_mesh
from tests.worker import Worker

TASKS, SEED = 100, 1
# tasks under way at the same time: as many as the consumer solves at once
AT_ONCE = 4
ROLES = "consumer,sandbox,reviewer,persistence,memory,observer"


@dataclass(frozen=True)
class Outcome:
    """How tasks ended in one mesh."""

    memory: bool
    tasks: int
    passed: int
    passed_first: int
    attempts: int

    @property
    def share(self) -> float:
        """The share of all tasks that passed at the first attempt, in percent."""
        return 100 * self.passed_first / self.tasks


async def measure(tasks: int, seed: int) -> list[Outcome]:
    """Send the same tasks through a mesh without and through one with memory.

    Arguments:
        tasks: how many.
        seed: chooses and orders them, and is the model's.
    """
    texts = [entry.statement for entry in random.Random(seed).sample(catalogue(), tasks)]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="aimesh-bench-") as name:
        folder = Path(name)
        async with running_kafka(folder / "kafka") as kafka:
            for memory in (False, True):
                own = folder / f"memory-{memory}"
                outcomes.append(await _outcome(kafka.bootstrap, own, texts, seed, memory))
    return outcomes


async def _outcome(
    kafka: str, folder: Path, texts: Sequence[str], seed: int, memory: bool
) -> Outcome:
    # endless loops end sooner than by default; that changes no outcome
    async with running_mesh(
        kafka, folder, RehearsalServer(seed=seed), AIMESH_ROLES=ROLES, AIMESH_SANDBOX_TIMEOUT="3"
    ) as mesh:
        worker = await mesh.start(AIMESH_MEMORY=str(memory).lower())
        await _worked_off(mesh, worker, texts)
        log = [orjson.loads(message.value) for message in await mesh.read("ai_verified_solutions")]
        await mesh.stop()
        rows = mesh.rows()
        return Outcome(
            memory=memory,
            tasks=len(rows),
            passed=sum(row.success for row in rows),
            passed_first=sum(row.success and row.attempts == 1 for row in rows),
            attempts=len({(verdict["task_id"], verdict["attempt"]) for verdict in log}),
        )


async def _worked_off(mesh: Mesh, worker: Worker, texts: Sequence[str]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def work_off(text: str) -> None:
        async with places:
            await mesh.archived([await worker.submit(text)], 120)

    await asyncio.gather(*map(work_off, texts))


def show(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as a table."""
    head = f"{'memory':<8}{'tasks':>7}{'passed first':>14}{'share':>8}{'passed':>8}{'attempts':>10}"
    lines = [head]
    for outcome in outcomes:
        word = "with" if outcome.memory else "without"
        lines.append(
            f"{word:<8}{outcome.tasks:>7}{outcome.passed_first:>14}{outcome.share:>7.0f}%"
            f"{outcome.passed:>8}{outcome.attempts:>10}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, or the outcomes as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=TASKS, help=f"at most {len(catalogue())}")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    outcomes = asyncio.run(measure(arguments.tasks, arguments.seed))
    if arguments.json:
        rows = [asdict(outcome) | {"share": outcome.share} for outcome in outcomes]
        print(json.dumps(rows, indent=2))
    else:
        print(show(outcomes))


if __name__ == "__main__":
    main()
