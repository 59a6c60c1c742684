"""Whether a failed attempt is worth another one."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VARYING = re.compile(r"0x[0-9a-f]+|line \d+|\d+\.\d+ ?s")


@dataclass(frozen=True)
class Ending:
    """Whether an attempt is the task's last, and why."""

    final: bool
    reason: str


def ending(
    *,
    success: bool,
    attempt: int,
    max_attempts: int,
    code: str,
    error: str,
    previous_code: str,
    previous_error: str,
) -> Ending:
    """Decide whether an attempt at a task is its last.

    It is when it passed, when it was the last one allowed, or when the model gave the same code
    with the same error as before: asking again would go in circles.

    Arguments:
        success: whether the code passed.
        attempt, max_attempts: which attempt this was, from 1, and how many there may be.
        code, error: what ran, and how it failed.
        previous_code, previous_error: the same of the attempt before, empty for the first.
    """
    if success:
        return Ending(True, "passed")
    if attempt >= max_attempts:
        return Ending(True, f"failed in all of its {max_attempts} attempts")
    same = code.strip() == previous_code.strip() and _essence(error) == _essence(previous_error)
    if attempt > 1 and same:
        return Ending(True, f"attempt {attempt} was the same code with the same error as before")
    return Ending(False, "failed, a fix is asked for")


def _essence(error: str) -> str:
    return _VARYING.sub("", error).strip()
