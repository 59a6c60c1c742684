"""Installs the system call filter for the calling process."""

from __future__ import annotations

import posix
from typing import Any

from aimesh.services.sandbox.child import kernel


def install(job: dict[str, Any], target: int | None = None) -> None:
    """Allow the calls of the job's filter and no others, for good.

    Arguments:
        target: the one other process that may be sent a signal.
    """
    if not job["filter"]:
        return
    call, program, placeholders = job["filter"]
    own = posix.getpid()
    for placeholder, pid in zip(placeholders, (own, target or own), strict=True):
        program = program.replace(placeholder, pid.to_bytes(4, "little"))
    kernel.install_filter(call, program)
