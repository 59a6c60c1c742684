"""Whether the model is kept busy: the share of time in which all its slots are, under backlog.

    python -m bench.slots [--tasks N] [--latency SECONDS] [--slots N] [--json]

One worker with all roles on a real Kafka; the rehearsal model takes a second for each answer. Tasks
are put in at once. What counts is the time from the first moment in which all slots are busy to the
beginning of the last answer but as many as there are slots: before and after there is no backlog.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import orjson
from aiohttp import web

from aimesh.embedded.rehearsal import RehearsalServer
from bench.figures import Figure, report
from tests.kafka import running_kafka
from tests.mesh import running_mesh, simple

TASKS, LATENCY, SLOTS = 60, 1.0, 4
ASKED = ("/api/chat", "/api/generate")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WatchedModel(RehearsalServer):
    """Notes how many answers are under way, whenever that changes: moment and number."""

    def __init__(self, latency: float) -> None:
        super().__init__(latency=latency, garbage_every=0)
        self.changes: list[tuple[float, int]] = [(time.monotonic(), 0)]

    def _note(self, step: int) -> None:
        self.changes.append((time.monotonic(), self.changes[-1][1] + step))

    @web.middleware
    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.path in ASKED
        self._note(asked)
        try:
            return await super()._answered(request, handler)
        finally:
            self._note(-asked)


def busy_share(changes: Sequence[tuple[float, int]], slots: int) -> float:
    """Return the share of time in which all slots are busy, while there is backlog.

    Arguments:
        changes: moments in seconds, each with the number of answers under way from then on.
        slots: answers that may be under way at once.
    """
    begins = [at for (_, before), (at, now) in pairwise(changes) if now > before]
    ends_at = begins[-slots - 1]
    began_at = next(at for at, now in changes if now >= slots)
    busy = 0.0
    for (at, now), (until, _) in pairwise(changes):
        if now >= slots:
            busy += max(0.0, min(until, ends_at) - max(at, began_at))
    return busy / (ends_at - began_at)


async def measure(tasks: int, latency: float, slots: int) -> list[Figure]:
    """Measure one mesh from the first task to the last row."""
    with tempfile.TemporaryDirectory(prefix="aimesh-bench-") as name:
        folder, model = Path(name), WatchedModel(latency)
        own = {"AIMESH_LLM_CONCURRENCY": str(slots), "AIMESH_MEMORY": "false"}
        async with (
            running_kafka(folder / "kafka") as kafka,
            running_mesh(kafka.bootstrap, folder / "mesh", model, **own) as mesh,
        ):
            await mesh.start()
            began = time.perf_counter()
            ids = await mesh.send([orjson.dumps({"task": text}) for text in simple(tasks)])
            await mesh.archived(ids, limit=30.0 + 4 * tasks * latency)
            took = time.perf_counter() - began
            await mesh.stop()
    share = 100 * busy_share(model.changes, slots)
    return [
        Figure(f"all {slots} slots busy", share, "% of time", 95.0, more_is_better=True),
        Figure(f"{tasks} tasks, {2 * tasks} answers of {latency:g} s", took, "s"),
        Figure("at best", 2 * tasks * latency / slots, "s"),
    ]


def main() -> None:
    """Print the table, or the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=TASKS, help="put in at once")
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds of an answer")
    parser.add_argument("--slots", type=int, default=SLOTS, help="answers under way at once")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(report(partial(measure, options.tasks, options.latency, options.slots), options.json))


if __name__ == "__main__":
    main()
