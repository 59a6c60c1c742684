"""How long the mesh's stages worked, counted by how long: what a histogram is made of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

#: Seconds up to which each count goes; one more counts all that took longer.
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
# anybody may write a line in the name of a stage
MOST_STAGES = 50


class Durations:
    """Counts of jobs that ended, by stage and by how long they took."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def note(self, stage: str, seconds: float) -> None:
        """Count a job of a stage."""
        if stage not in self._counts:
            if len(self._counts) >= MOST_STAGES:
                return
            self._counts[stage] = [0] * (len(BOUNDS) + 1)
        self._counts[stage][bisect_left(BOUNDS, seconds)] += 1
        self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    def by_stage(self) -> Iterator[tuple[str, list[int], float]]:
        """Iterate over the stages: the counts of each, and its seconds all together."""
        for stage, counts in self._counts.items():
            yield stage, counts, self._seconds[stage]

    def stored(self) -> dict[str, Any]:
        """Return what must be known to go on counting."""
        return {"counts": self._counts, "seconds": self._seconds}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take on what was counted before; of other bounds nothing can be taken on."""
        for stage, counts in data.get("counts", {}).items():
            if len(counts) == len(BOUNDS) + 1:
                self._counts[stage] = counts
                self._seconds[stage] = data["seconds"].get(stage, 0.0)
