"""How far behind a consumer group is, and what that means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimesh.core.text import numbered

VERDICTS = ("OK", "WARN", "BUSY", "STALL", "STOPPED", "UNKNOWN")

# seconds of samples that a verdict looks back over, and the least that it needs
HORIZON = 60.0
LEAST_SPAN = 3.0
LEAST_SAMPLES = 3
# a committed offset that has not moved for so long, while there is lag, stands still
STILL_AFTER = 10.0


@dataclass(frozen=True)
class Sample:
    """Offsets of a topic at one time, summed over its partitions.

    ``ts`` is a Unix time in seconds, ``end`` the next offset to be written, ``committed`` the next
    one to be read by the group.
    """

    ts: float
    end: int
    committed: int

    @property
    def lag(self) -> int:
        """Messages that the group has not worked off."""
        return max(0, self.end - self.committed)


@dataclass(frozen=True)
class Work:
    """What the group's stages say of themselves: open jobs and their age in seconds."""

    open: int
    oldest_s: float
    deadline_s: float
    waiting: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a hop's window of samples means, in a word and in a sentence."""

    word: str
    reason: str
    trend: str
    lag_seconds: float


def extended(window: Sequence[Sample], sample: Sample, horizon: float) -> list[Sample]:
    """Return the window with a sample added and without those older than ``horizon`` seconds.

    After a clock that was set back, what lies in the future is dropped too.
    """
    oldest = sample.ts - horizon
    return [s for s in window if oldest <= s.ts < sample.ts] + [sample]


def seconds_behind(window: Sequence[Sample]) -> float:
    """Return how old the oldest message is that the group has not worked off.

    Found from when the log's end first passed the committed offset; where that is before the
    window, the answer is the window's length, which is the least that it can be.
    """
    last = window[-1]
    if last.lag == 0:
        return 0.0
    previous = window[0]
    for sample in window:
        if sample.end > last.committed:
            return round(last.ts - previous.ts, 3)
        previous = sample
    return 0.0


def trend(window: Sequence[Sample]) -> str:
    """Return ``up``, ``down`` or ``flat``: where the lag went within the last ten seconds."""
    last = window[-1]
    recent = [s for s in window if s.ts >= last.ts - STILL_AFTER]
    change = last.lag - recent[0].lag
    return "up" if change > 0 else "down" if change < 0 else "flat"


def is_growing(window: Sequence[Sample]) -> bool:
    """Tell whether the lag grew over the whole window: in each of its thirds."""
    third = len(window) // 3
    if third == 0:
        return False
    parts = [window[:third], window[third:-third], window[-third:]]
    means = [sum(s.lag for s in part) / len(part) for part in parts if part]
    return len(means) == 3 and means[0] < means[1] < means[2] and window[0].lag < window[-1].lag


def still_for(window: Sequence[Sample]) -> float:
    """Return for how many seconds the committed offset has not moved."""
    last = window[-1]
    since = last.ts
    for sample in reversed(window):
        if sample.committed != last.committed:
            break
        since = sample.ts
    return last.ts - since


def judge(window: Sequence[Sample], members: int | None, work: Work | None) -> Verdict:
    """Say how a hop is doing.

    Arguments:
        window: samples in order of time, the newest last.
        members: of the consumer group; None where that is unknown.
        work: what the group's stages reported lately; None where they reported nothing.

    Returns:
        STOPPED without members; STALL where the offset stands still, or a job is open for longer
        than its deadline; BUSY where it stands still behind a younger job; WARN where the lag grew
        over the whole window; UNKNOWN where there are too few samples, which is never shown as OK.
    """
    if not window:
        return Verdict("UNKNOWN", "no samples yet", "flat", 0.0)
    last, direction, behind = window[-1], trend(window), seconds_behind(window)

    def verdict(word: str, reason: str) -> Verdict:
        return Verdict(word, reason, direction, behind)

    if members == 0:
        return verdict("STOPPED", "no worker runs this role")
    span = last.ts - window[0].ts
    if len(window) < LEAST_SAMPLES or span < LEAST_SPAN or members is None:
        return verdict("UNKNOWN", f"{len(window)} samples over {span:.0f} s are too few")
    if work and work.open and work.oldest_s > work.deadline_s:
        waits = f", waiting for: {work.waiting}" if work.waiting else ""
        age = f"a job is open for {work.oldest_s:.0f} s, its deadline is {work.deadline_s:.0f} s"
        return verdict("STALL", age + waits)
    still = still_for(window)
    if last.lag and still >= STILL_AFTER:
        if work and work.open:
            return verdict("BUSY", f"at work on {work.open} jobs for {work.oldest_s:.0f} s")
        waiting = numbered(last.lag, "message waits", "messages wait")
        return verdict("STALL", f"{waiting}, none was taken for {still:.0f} s")
    if is_growing(window):
        return verdict("WARN", f"lag grew from {window[0].lag} to {last.lag} in {span:.0f} s")
    return verdict("OK", "keeping up" if last.lag else "nothing waits")
