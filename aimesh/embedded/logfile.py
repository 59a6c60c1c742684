"""A program's output in a file that does not grow without end."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from pathlib import Path

_MOST_BYTES = 10 << 20
_REMEMBERED = 50


class LogFile:
    """Keeps lines in a file that it begins anew; the one before lies beside it as ``NAME.1``."""

    def __init__(self, path: Path, most_bytes: int = _MOST_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)
        self._size: int | None = None

    def write(self, line: str) -> None:
        """Add a line; a full disk costs the line, not the program."""
        self._recent.append(line)
        with contextlib.suppress(OSError):
            if self._size is None or self._size > self._most_bytes:
                self._size = self._begin()
            content = f"{line}\n".encode(errors="replace")
            with self.path.open("ab") as file:
                file.write(content)
            self._size += len(content)

    def last(self, count: int = 3) -> list[str]:
        """The last lines that say something."""
        return [line for line in self._recent if line.strip()][-count:]

    def forget(self) -> None:
        """Begin to remember anew, for another run of the program."""
        self._recent.clear()

    def _begin(self) -> int:
        """Set what is there aside, and begin with an empty file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            os.replace(self.path, self.path.with_name(f"{self.path.name}.1"))
        self.path.touch()
        return 0
