"""The rehearsal model as a supervised program."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aimesh.embedded.program import Program

MODULE = (sys.executable, "-m", "aimesh.embedded.rehearsal")
_SERVES = re.compile(r"rehearsal model listening on (http://\S+)")


class RehearsalProgram(Program):
    """The server of scripted answers, on a free port that it keeps when it is started again.

    Arguments:
        env: its whole environment.
        log: where its output is kept.
        pass_fds: file descriptors that it inherits.
        argv: the command, without its options.
    """

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        log: Path,
        pass_fds: Sequence[int] = (),
        argv: Sequence[str] = MODULE,
    ) -> None:
        super().__init__(
            "rehearsal model",
            env=env,
            log=log,
            on_line=self._look_at,
            pass_fds=pass_fds,
            start_limit=30.0,
        )
        self.url = ""
        self._argv = argv
        self._serves = asyncio.Event()

    def command(self) -> Sequence[str]:
        self._serves.clear()
        return [*self._argv, "--port", str(urlsplit(self.url).port or 0)]

    async def ready(self) -> None:
        await self._serves.wait()

    def _look_at(self, line: str) -> None:
        if found := _SERVES.search(line):
            self.url = found[1]
            self._serves.set()
