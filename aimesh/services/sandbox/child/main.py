"""Locks this process down, then splits it: a worker that runs the code, a keeper that waits.

The keeper is the worker's parent, so it alone learns from the kernel how the worker ended and what
it used, and it holds the pipe to the mesh, which the worker does not have.
"""

from __future__ import annotations

import gc
import posix
from typing import Any

from aimesh.services.sandbox.child import confine, keeper, kernel, pipes, worker


def main(job: dict[str, Any]) -> None:
    """Run one job; returns only in the worker, when the interpreter is to end by itself."""
    status = job["status"]
    try:
        confine.confine(job)
        # what is here already is never garbage: the worker's collections need not look at it
        gc.freeze()
        ending = keeper.Ending()
        note = kernel.shared_page()
        upward = posix.pipe()
        downward = posix.pipe()
        pid = posix.fork()
    except BaseException as error:  # noqa: BLE001  # whatever it is, nothing may run now
        words = getattr(error, "strerror", None) or error
        pipes.send(status, b"S", f"{words}".encode()[:1000])
        posix._exit(120)
    if pid == 0:
        posix.close(status)
        posix.close(upward[0])
        posix.close(downward[1])
        worker.work(job, downward[0], upward[1], note)
    else:
        posix.close(upward[1])
        posix.close(downward[0])
        keeper.keep(job, pid, upward[0], downward[1], note, ending)
