"""When a worker makes no progress although nothing excuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aimesh.core.text import numbered


@dataclass(frozen=True)
class Look:
    """What one look at a role has shown.

    ``settling``: partitions are being assigned to it, or its tables are read. ``progress``:
    whatever changes when that gets on. ``committed``: the sum of its committed offsets. ``lag``:
    messages that it has not acknowledged. ``working``: it has jobs at work, or waiting for a
    service.
    """

    settling: bool
    progress: Any
    committed: int
    lag: int
    working: bool


class Watch:
    """Adds up for how long a role has got nowhere.

    Arguments:
        limit: how many seconds of that are too many.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last: Look | None = None
        self._stuck = 0.0

    def excuse(self) -> None:
        """Begin anew: what it needs was away."""
        self._last = None
        self._stuck = 0.0

    def look(self, look: Look, seconds: float) -> str:
        """Take a look into account.

        Arguments:
            look: what it has shown.
            seconds: for how long the worker has run since the look before.

        Returns:
            Why the worker should end, empty while all is well.
        """
        last, self._last = self._last, look
        if last is None or not _is_stuck(last, look):
            self._stuck = 0.0
            return ""
        self._stuck += seconds
        if self._stuck < self._limit:
            return ""
        if look.settling:
            return f"for {self._stuck:.0f} s its partitions are being assigned or its tables read"
        return (
            f"for {self._stuck:.0f} s it has acknowledged nothing and has no job at work, "
            f"while {numbered(look.lag, 'message waits', 'messages wait')}"
        )


def _is_stuck(last: Look, look: Look) -> bool:
    if look.settling:
        return last.settling and last.progress == look.progress
    return (
        not last.settling
        and not look.working
        and look.lag > 0
        and look.lag >= last.lag > 0
        and last.committed == look.committed
    )


def counted(elapsed: float, interval: float) -> float:
    """Return for how many of the elapsed seconds the process can have been running.

    A machine that slept, and a process that was stopped, make a look come much too late.

    Arguments:
        elapsed: seconds since the look before.
        interval: seconds that there should have been.
    """
    return elapsed if elapsed < 3 * interval else 0.0
