"""What each of the compared workers is told: where the broker is, and which topics to move."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# the same for all on Kafka, so that none is said to be slow to come back for a default of its own
SESSION_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.0
# likewise for Celery, whose default is an hour
VISIBILITY_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """Where a pipeline is: hop ``n`` moves tasks from topic ``n`` to topic ``n + 1``.

    Arguments:
        broker: where Kafka listens, as ``host:port``, or Redis, as a URL.
        id: what its topics begin with.
        hops: how many there are.
        partitions: of each topic.
        folder: for what a worker keeps on disk.
    """

    broker: str
    id: str
    hops: int
    partitions: int
    folder: Path

    def topic(self, number: int) -> str:
        """Return the name of a topic: 0 is the first hop's source, ``hops`` has what came out."""
        return f"{self.id}-{number}"

    def topics(self) -> list[str]:
        """Return the names of all, in order."""
        return [self.topic(number) for number in range(self.hops + 1)]

    def environ(self) -> dict[str, str]:
        """Return this as variables for a worker's process."""
        return {
            "BENCH_BROKER": self.broker,
            "BENCH_ID": self.id,
            "BENCH_HOPS": str(self.hops),
            "BENCH_PARTITIONS": str(self.partitions),
            "BENCH_FOLDER": str(self.folder),
        }

    @classmethod
    def told(cls) -> Place:
        """Return what this process was told by `environ`."""
        env = os.environ
        return cls(
            env["BENCH_BROKER"],
            env["BENCH_ID"],
            int(env["BENCH_HOPS"]),
            int(env["BENCH_PARTITIONS"]),
            Path(env["BENCH_FOLDER"]),
        )
