"""Become a command that the kernel kills together with the process that started it.

Run by path, as ``python guard.py PARENT_PID COMMAND...``: it imports nothing of AI-Mesh, and after
the exec nothing of it is left. (Linux keeps the wish to be killed over an exec.)
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask to be killed when the parent dies, then exec the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # the parent may have died before the wish was made
    if os.getppid() == parent:
        os.execv(command[0], command)


if __name__ == "__main__":
    main()
