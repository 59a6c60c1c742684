"""Faults that the rehearsal model is told to have, so that the mesh can be seen to bear them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aimesh.errors import SettingsError

NAMES = {
    "down": "the connection is closed without an answer",
    "hang": "no answer comes, ever",
    "slow": "the answer comes `seconds` later",
    "status_500": "the server answers with status 500",
    "busy": "the server answers with status 503, too many requests wait",
    "missing": "the server does not have the model: status 404",
    "cut": "the connection ends in the middle of the answer",
    "empty": "the answer has no text",
    "huge": "the answer has 10 MB",
    "gibberish": "the answer is nonsense",
}
CREW_KINDS = ("plan", "research", "write", "check")
KINDS = ("brainstorm", "solve", "fix", "review", *CREW_KINDS, "other", "embed", "look")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``count``: how many more calls it hits, None for all of them. ``probability``: how likely it
    hits a call, 0 to 1. ``kinds``: the calls that it may hit, all when empty; ``look`` are the
    questions that need no model. ``seconds``: how much later a slow answer comes.
    """

    name: str
    count: int | None = None
    probability: float = 1.0
    kinds: tuple[str, ...] = ()
    seconds: float = 5.0


class Faults:
    """The faults in force. The earliest one that hits a call is the one that it gets.

    Arguments:
        faults: those to begin with.
        seed: makes the chances.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 1) -> None:
        self._active = list(faults)
        self._chances = random.Random(seed)

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that can still hit."""
        return tuple(self._active)

    def add(self, fault: Fault) -> None:
        """Put one more fault in force."""
        self._active.append(fault)

    def clear(self) -> None:
        """End all faults."""
        self._active.clear()

    def take(self, kind: str) -> Fault | None:
        """The fault that hits the next call of a kind, counted down; None when all is well."""
        for place, fault in enumerate(self._active):
            if fault.kinds and kind not in fault.kinds:
                continue
            if self._chances.random() >= fault.probability:
                continue
            if fault.count is not None:
                self._active[place : place + 1] = _fewer(fault)
            return fault
        return None

    def described(self) -> list[dict[str, Any]]:
        """The faults in force as plain data."""
        return [asdict(fault) for fault in self._active]


def fault_of(fields: Mapping[str, Any]) -> Fault:
    """Make a fault of plain data, such as ``{"name": "down", "count": 3}``.

    Raises:
        SettingsError: there is no such fault, or a field cannot be used; says which.
    """
    values = dict(fields)
    name = values.pop("name", None) or values.pop("fault", None)
    if name not in NAMES:
        raise SettingsError(f"{name!r} is no fault; the faults are {', '.join(NAMES)}")
    kinds = values.pop("kinds", ())
    kinds = tuple(kinds.split("+") if isinstance(kinds, str) else kinds)
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise SettingsError(f"{unknown[0]!r} is no kind of call; they are {', '.join(KINDS)}")
    try:
        count = values.pop("count", None)
        fault = Fault(
            name,
            count=None if count is None else int(count),
            probability=float(values.pop("probability", 1.0)),
            kinds=kinds,
            seconds=float(values.pop("seconds", Fault.seconds)),
        )
    except (TypeError, ValueError) as exc:
        raise SettingsError(f"the fault {name!r} has a field that is no number: {exc}") from exc
    if (
        (fault.count is not None and fault.count < 1)
        or not 0 <= fault.probability <= 1
        or fault.seconds < 0
    ):
        raise SettingsError(f"the fault {name!r} has a number that is out of its range")
    if values:
        raise SettingsError(f"the fault {name!r} has no field {next(iter(values))!r}")
    return fault


def fault_from_text(text: str) -> Fault:
    """Make a fault of a command line's ``NAME[:FIELD=VALUE,...]``; kinds are joined by ``+``.

    Raises:
        SettingsError: it cannot be used; says why.
    """
    name, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    return fault_of({"name": name} | {key.strip(): value.strip() for key, _, value in pairs})


def _fewer(fault: Fault) -> list[Fault]:
    left = (fault.count or 0) - 1
    return [Fault(**asdict(fault) | {"count": left})] if left > 0 else []
