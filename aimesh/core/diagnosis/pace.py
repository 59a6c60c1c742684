"""How long something takes, against how long it took before."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

MOST_SAMPLES = 400
MOST_PACES = 200
LEAST_RECENT, LEAST_PAST = 3, 3
# how it is now is what the last ones took
NEWEST = 5


@dataclass(frozen=True)
class Sample:
    """Something that took some seconds, ended at a Unix time, and what it was done for."""

    at: float
    seconds: float
    subject: str = ""
    agent: str = ""


class Pace:
    """The last durations of one kind of work.

    Arguments:
        name: what works: a model's name, or an agent's.
        kind: ``model`` or ``agent``.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)

    def split(self, now: float, recent: float) -> tuple[list[Sample], list[Sample]]:
        """Return the samples of the last seconds, and those before."""
        late = [s for s in self.samples if s.at >= now - recent]
        return late, [s for s in self.samples if s.at < now - recent]

    def usual(self, now: float, recent: float) -> float | None:
        """Return the seconds that it took before the last ones, None where that is not known."""
        _, before = self.split(now, recent)
        return median(s.seconds for s in before) if len(before) >= LEAST_PAST else None

    def change(self, now: float, window: float) -> tuple[float, float, list[Sample]] | None:
        """Return what it takes now, what it took before, and the slow samples.

        None where too little is known. The past is what was before the window; where all is in
        the window, it is cut where the paces differ most.
        """
        late, before = self.split(now, window)
        if len(before) < LEAST_PAST:
            late, before = _cut(list(self.samples))
        if len(late) < LEAST_RECENT or len(before) < LEAST_PAST:
            return None
        newest = late[-NEWEST:]
        return median(s.seconds for s in newest), median(s.seconds for s in before), newest


class Paces:
    """All paces, bounded."""

    def __init__(self) -> None:
        self._paces: OrderedDict[tuple[str, str], Pace] = OrderedDict()

    def add(self, kind: str, name: str, sample: Sample) -> None:
        """Take in how long something took."""
        key = (kind, name)
        if key not in self._paces:
            self._paces[key] = Pace(name, kind)
        self._paces[key].samples.append(sample)
        self._paces.move_to_end(key)
        if len(self._paces) > MOST_PACES:
            self._paces.popitem(last=False)

    def __iter__(self) -> Iterator[Pace]:
        return iter(self._paces.values())


def _cut(samples: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Return late and early samples, parted where they differ most."""
    best, place = 0.0, 0
    for i in range(LEAST_PAST, len(samples) - LEAST_RECENT + 1):
        early = median(s.seconds for s in samples[max(0, i - 20) : i])
        late = median(s.seconds for s in samples[i : i + 20])
        if late - early > best:
            best, place = late - early, i
    return (samples[place:], samples[:place]) if place else ([], [])
