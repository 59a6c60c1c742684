"""Keeps calls away from a service that is down, but for a probe now and then."""

from __future__ import annotations

import time
from collections.abc import Callable


class Gate:
    """Open while the service works; shut after a failure, with longer waits each time.

    When a wait is over the gate lets one call through as a probe, and stays shut for others
    until that call has told how it went.

    Arguments:
        least: seconds of the first wait.
        most: seconds of the longest wait.
        clock: seconds that only grow.
    """

    def __init__(
        self, *, least: float = 2.0, most: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._least = least
        self._most = most
        self._clock = clock
        self._delay = 0.0  # 0: the service works
        self._opens_at = 0.0
        self._probing = False

    def wait(self) -> float:
        """Seconds until a call may go through; 0 when this one may, which then is the probe."""
        if not self._delay:
            return 0.0
        left = self._opens_at - self._clock()
        if left > 0:
            return left
        self._opens_at = self._clock() + self._delay
        self._probing = True
        return 0.0

    def worked(self) -> None:
        """A call went through and worked."""
        self._delay = 0.0
        self._probing = False

    def failed(self) -> None:
        """A call went through and failed. Calls that fail together count as one failure."""
        if self._delay and not self._probing:
            return
        self._delay = min(self._most, self._delay * 2 or self._least)
        self._opens_at = self._clock() + self._delay
        self._probing = False
