"""Starts runs: makes their working folder and their job, and starts the process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimesh.services.sandbox import job, world
from aimesh.services.sandbox.child_process import Child
from aimesh.services.sandbox.folders import Workshop
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.users import own_user


@dataclass(frozen=True, kw_only=True)
class Started:
    """A run that has begun."""

    child: Child
    # its working folder on disk; None when only the run itself can see it
    folder: Path | None


class Launcher:
    """Starts runs that all have the same layers and limits."""

    def __init__(self, layers: Layers, limits: Limits, workshop: Workshop) -> None:
        self.layers = layers
        self._workshop = workshop
        self._template = job.template(layers, limits, str(workshop.root))

    def start(self, source: bytes, cases: Sequence[tuple[str, str]], slot: int) -> Started:
        """Start one run.

        Arguments:
            source: the untrusted code.
            cases: calls and what is expected of them.
            slot: a number that no other run of this process has now.

        Raises:
            OSError: no process, descriptor or folder could be had.
        """
        owner = own_user(slot) if self.layers.own_user else None
        folder = None if self.layers.namespaces else self._workshop.make(owner)
        try:
            child = self._start(source, cases, owner, str(folder or world.FOLDER))
        except BaseException:
            if folder:
                folder.rmdir()
            raise
        return Started(child=child, folder=folder)

    def _start(
        self, source: bytes, cases: Sequence[tuple[str, str]], owner: int | None, folder: str
    ) -> Child:
        status = os.pipe()
        try:
            fd, start = self._template.job(
                source, cases, uid=owner, folder=folder, status=status[1]
            )
        except BaseException:
            for end in status:
                os.close(end)
            raise
        try:
            return Child(self._template.executable, fd, start, status, _environment(folder))
        finally:
            os.close(fd)


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": folder,
        "TMPDIR": folder,
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "LANG": "C.UTF-8",
        # one heap for all threads: each more would take 64 MB of address space
        "MALLOC_ARENA_MAX": "1",
    }
