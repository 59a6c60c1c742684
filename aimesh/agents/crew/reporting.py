"""One report for all agents of the crew: five would be a message a second while nothing happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimesh.reporting import Reporter
from aimesh.stage import Stage


class CrewReporter(Reporter):
    """Reports how the crew is; its counts say how many tasks each agent has open.

    Arguments:
        stages: by agent.
        places: how many tasks each agent works on at the same time; it takes on many more, which
            wait for their turn.
        options: those of `Reporter`.
    """

    def __init__(self, stages: Mapping[str, Stage], *, places: int, **options: Any) -> None:
        self._by_agent = stages
        self._places = places
        super().__init__(list(stages.values()), **options)

    def slots(self) -> int:
        """Return how many tasks the crew can work on at the same time."""
        return self._places * len(self._by_agent)

    def counts(self) -> dict[str, int]:
        """Return how often what has happened to tasks, and how many each agent has open."""
        open_now = {f"{agent}.open": len(stage.ledger) for agent, stage in self._by_agent.items()}
        return {**super().counts(), **open_now}
