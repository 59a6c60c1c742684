"""How a burst of tasks goes down: how high the lag rises, when the brake holds and lets go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimesh.core.governing import ACTIVE, THROTTLED


class Draining:
    """Follows a burst from its sending until all of it is taken and the producer may go on.

    Arguments:
        wanted: by partition, the offset after the burst's last message.
        count: how many messages it has.
    """

    def __init__(self, wanted: Mapping[int, int], count: int) -> None:
        self._wanted = dict(wanted)
        self.count = count
        self.left = count
        self.lag = 0
        self.peak = 0
        self.state = ""
        self.reason = ""
        #: Seconds since the sending at which each was first seen; None until then.
        self.throttled_after: float | None = None
        self.drained_after: float | None = None
        self.active_after: float | None = None

    def sample(self, at: float, ends: Mapping[int, int], committed: Mapping[int, int]) -> None:
        """Take in where the log ends and the group is, by partition, ``at`` seconds after."""
        self.lag = sum(max(0, end - committed.get(p, 0)) for p, end in ends.items())
        self.peak = max(self.peak, self.lag)
        behind = sum(max(0, end - committed.get(p, 0)) for p, end in self._wanted.items())
        # others may have written in between, so this is the most that can be left
        self.left = min(self.left, behind)
        if not behind and self.drained_after is None:
            self.drained_after = at
        self._note(at)

    def decided(self, at: float, state: str, reason: str) -> None:
        """Take in the governor's word."""
        self.state, self.reason = state, reason
        if state == THROTTLED and self.throttled_after is None:
            self.throttled_after = at
        self._note(at)

    def _note(self, at: float) -> None:
        if self.drained_after is not None and self.state == ACTIVE and self.active_after is None:
            # the decision may have been made before the sample was looked at
            self.active_after = max(at, self.drained_after)

    @property
    def is_over(self) -> bool:
        """Whether all of the burst is taken and the governor is ACTIVE again."""
        return self.active_after is not None

    def summary(self) -> dict[str, Any]:
        """Return what happened, as other programs read it."""
        return {
            "sent": self.count,
            "peak_lag": self.peak,
            "throttled_after_s": _rounded(self.throttled_after),
            "drained_after_s": _rounded(self.drained_after),
            "active_after_s": _rounded(self.active_after),
            "lag": self.lag,
            "state": self.state or None,
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
