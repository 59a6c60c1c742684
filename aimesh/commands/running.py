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
    """Take the note away; harmless where there is none."""
    with contextlib.suppress(OSError):
        (data / FILE).unlink()


def find(data: Path) -> Running | None:
    """Return the mesh that runs on a data folder; None where there is none, or it was killed."""
    try:
        found = json.loads((data / FILE).read_text())
        running = Running(str(found["kafka"]), str(found["web"]), int(found["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return running if _is_held(data / LOCK) else None


def _is_held(lock: Path) -> bool:
    """Tell whether `aimesh up` or one of its programs still holds its lock."""
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
