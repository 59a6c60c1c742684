"""When the producer may make a task, and when it must wait."""

from __future__ import annotations

from dataclasses import dataclass

ACTIVE = "ACTIVE"
THROTTLED = "THROTTLED"


@dataclass(frozen=True)
class Decision:
    """The governor's state, why, since when (a Unix time), and whether it just changed."""

    state: str
    reason: str
    since: float
    changed: bool
    lag: int | None
    threshold: int

    @property
    def room(self) -> int:
        """How many tasks may be made before the producer is throttled."""
        if self.state != ACTIVE or self.lag is None:
            return 0
        return self.threshold - self.lag


def decide(previous: Decision | None, lag: int | None, threshold: int, now: float) -> Decision:
    """Decide from the lag of the tasks' topic.

    Throttled from the threshold on, active below it. A lag that is not known counts as too high:
    a producer that cannot see must not fill the log.

    Arguments:
        previous: the last decision, None at the start.
        lag: messages that wait for the consumers, None where that is unknown.
        threshold: the lag from which on the producer waits.
        now: a Unix time in seconds.
    """
    if lag is None:
        state, reason = THROTTLED, "the lag is unknown"
    elif lag >= threshold:
        state, reason = THROTTLED, f"lag {lag} has reached the threshold of {threshold}"
    else:
        state, reason = ACTIVE, f"lag {lag} is below the threshold of {threshold}"
    changed = previous is None or previous.state != state
    since = now if previous is None or changed else previous.since
    return Decision(state, reason, since, changed, lag, threshold)
