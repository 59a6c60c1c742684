"""One sandboxed process as the parent holds it: started, ended, collected."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from aimesh.services.sandbox.job import BOOTSTRAP

CHUNK = 1 << 16
# isolated from the environment, without site-packages, writing no bytecode, unbuffered
_OPTIONS = ("-I", "-S", "-B", "-u", "-X", "utf8")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the process and those that it waited for used."""

    cpu_s: float = 0.0
    max_rss_bytes: int = 0


class Child:
    """A started interpreter with a job to do.

    It dies with the thread that makes this object: make it in one that lasts.
    """

    def __init__(
        self,
        executable: str,
        job: int,
        start: int,
        status: tuple[int, int],
        environment: Mapping[str, str],
    ) -> None:
        """Start it.

        Arguments:
            executable: the interpreter.
            job: descriptor of the job, to be closed by the caller.
            start: where in the job the bootstrap begins to read.
            status: a pipe; its reading end is used here, its writing end there. Both are closed
                here, whatever happens.
            environment: all that the process sees of an environment.

        Raises:
            OSError: no process or descriptor could be had.
        """
        output: tuple[int, ...] = ()
        try:
            output = os.pipe()
            self._process = subprocess.Popen(
                [executable, *_OPTIONS, "-c", BOOTSTRAP, str(job), str(start)],
                stdin=subprocess.DEVNULL,
                stdout=output[1],
                stderr=output[1],
                cwd="/",
                env=environment,
                pass_fds=(job, status[1]),
                start_new_session=True,
            )
            self.pidfd = self._watched()
        except BaseException:
            for fd in (*output[:1], status[0]):
                os.close(fd)
            raise
        finally:
            for fd in (*output[1:], status[1]):
                os.close(fd)
        self.output, self.status = output[0], status[0]
        for fd in (self.output, self.status):
            os.set_blocking(fd, False)

    def _watched(self) -> int:
        try:
            return os.pidfd_open(self._process.pid)
        except OSError:
            self._process.kill()
            self._process.wait()
            raise

    def ask_to_end(self) -> None:
        """Have the keeper kill the worker and report what it used."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole group at once; until it is collected its number belongs to no other."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def collect(self) -> Usage:
        """Wait for the end, close everything, and tell what was used."""
        usage = Usage()
        with contextlib.suppress(ChildProcessError):  # another part of this process waited for it
            _, status, used = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            usage = Usage(cpu_s=used.ru_utime + used.ru_stime, max_rss_bytes=used.ru_maxrss * 1024)
        for fd in (self.output, self.status, self.pidfd):
            os.close(fd)
        return usage


def read_some(fd: int) -> bytes | None:
    """What can be read now: None when nothing, empty at the end."""
    try:
        return os.read(fd, CHUNK)
    except BlockingIOError:
        return None
