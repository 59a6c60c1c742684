"""One owner for a folder: a lock that the kernel lets go of when its holders are gone."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from pathlib import Path
from time import monotonic


class FolderLock:
    """An exclusive lock on a file, which names the process that holds it.

    A child that inherits ``fd`` holds the lock too, so it is free only when both have ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """The descriptor to hand to children; only while the lock is held."""
        assert self._fd is not None
        return self._fd

    async def acquire(self, patience: float = 0.0) -> bool:
        """Take the lock; False if others hold it still after ``patience`` seconds."""
        until = monotonic() + patience
        while not self._take():
            if monotonic() >= until:
                return False
            await asyncio.sleep(0.05)
        return True

    def release(self) -> None:
        """Let the lock go; harmless when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def holder(self) -> int | None:
        """The id of the process that took the lock last; None if the file does not say."""
        with contextlib.suppress(OSError, ValueError):
            return int(self.path.read_text())
        return None

    def _take(self) -> bool:
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd
        return True
