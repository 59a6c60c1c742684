"""For how long nobody else can have been given this worker's partitions."""

from __future__ import annotations

import time
from typing import Any

from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

_MEMBER = (NoError.errno, RebalanceInProgressError.errno)


def now() -> float:
    """Return the seconds on a clock that goes on while the machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Lease:
    """A member's hold on the partitions that a generation of its group gave to it.

    The group's coordinator gives them to others when it has heard nothing for the session's
    time-out. So until that long after a request was sent to which it has answered, they are this
    member's. A worker that was stopped for longer sees at once that it has lost them, and not only
    when it hears so. Without a group there is nobody to lose them to.

    Arguments:
        seconds: the session's time-out.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # one object, for it is set in the consumer's thread and read in the application's
        self._held: tuple[int, float] | None = None
        self._grouped = False

    def renew(self, generation: int, asked: float) -> None:
        """Note that the coordinator has answered what was sent at a time of `now`."""
        self._grouped = True
        self._held = (generation, asked + self._seconds)

    def end(self) -> None:
        """Note that the group is joined anew: others may get the partitions from now on."""
        self._grouped = True
        self._held = None

    def holds(self, generation: int) -> bool:
        """Tell whether what a generation gave cannot be another member's yet."""
        if (held := self._held) is None:
            return not self._grouped
        return held[0] == generation and now() < held[1]


def keep(lease: Lease, coordinator: Any) -> None:
    """Let a lease follow what a client and its group's coordinator tell each other."""
    send = coordinator._send_req

    async def watched(request: Any) -> Any:
        asked, generation = now(), coordinator.generation
        if isinstance(request, JoinGroupRequest):
            lease.end()
        response = await send(request)
        kept = isinstance(request, HeartbeatRequest | SyncGroupRequest)
        if kept and response.error_code in _MEMBER:
            lease.renew(generation, asked)
        return response

    coordinator._send_req = watched
