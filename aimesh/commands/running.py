"""Where a running `aimesh up` can be reached, for the other commands in the same data folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "up.json"
LOCK = "up.lock"


@dataclass(frozen=True)
class Running:
    """A mesh that `aimesh up` runs: its Kafka, its web address, and the process."""

    kafka: str
    web: str
    pid: int


def note(data: Path, kafka: str, web: str) -> None:
    """Write down where this process's mesh can be reached, whole or not at all."""
    running = Running(kafka, web.rstrip("/"), os.getpid())
    fresh = data / (FILE + ".new")
    fresh.write_text(json.dumps(asdict(running)) + "\n")
    fresh.replace(data / FILE)


def forget(data: Path) -> None:
    """Take this process's note away; that of another stays."""
    if (found := _noted(data)) and found.pid == os.getpid():
        with contextlib.suppress(OSError):
            (data / FILE).unlink()


def find(data: Path) -> Running | None:
    """Return the mesh that runs on a data folder; None where there is none, or it was killed."""
    found = _noted(data)
    # the note of one that was killed says nothing of its successor
    return found if found and found.pid == _holder(data / LOCK) else None


def _noted(data: Path) -> Running | None:
    try:
        found = json.loads((data / FILE).read_text())
        return Running(str(found["kafka"]), str(found["web"]), int(found["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holder(lock: Path) -> int | None:
    """Return the process that took `aimesh up`'s lock, None where nobody holds it now."""
    try:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read())
    except (OSError, ValueError):
        return None
    return None
