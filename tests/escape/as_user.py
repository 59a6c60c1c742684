"""Runs a command as a user without rights, for tests that root runs.

    python -m tests.escape.as_user PYTHON-ARGUMENT...

The interpreter and this repository may lie below folders that only root can enter. So they are
mounted where everybody can, in a mount namespace that ends with the command.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
import tempfile
from pathlib import Path

from aimesh.services.sandbox.machine import interpreter

# nobody; what it can do is what everybody can do
USER = 65534
_NEW_MOUNTS = 0x00020000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_REPOSITORY = Path(__file__).parents[2]


def main() -> None:
    """Become the user and run the interpreter with the arguments given."""
    with tempfile.TemporaryDirectory(prefix="aimesh-user-") as folder:
        pid = os.fork()
        if pid == 0:
            try:
                _become_user(Path(folder))
            finally:
                os._exit(125)
        status = os.waitpid(pid, 0)[1]
    sys.exit(os.waitstatus_to_exitcode(status))


def _become_user(folder: Path) -> None:
    _call("unshare", _NEW_MOUNTS)
    _call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    _open_up([Path(sys.base_prefix), _REPOSITORY], folder)
    os.chdir(_REPOSITORY)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(_REPOSITORY)}
    executable = interpreter().executable
    os.execve(executable, [executable, "-B", "-S", *sys.argv[1:]], environment)


def _open_up(wanted: list[Path], folder: Path) -> None:
    """Cover each closed folder above ``wanted`` with an open one that has only those in it."""
    closed = {path: above for path in wanted if (above := _closed_above(path))}
    for number, path in enumerate(closed):
        aside = folder / str(number)
        aside.mkdir()
        _bind(path, aside)
    for cover in set(closed.values()):
        _call("mount", b"tmpfs", bytes(cover), b"tmpfs", 0, b"mode=0755")
    for number, path in enumerate(closed):
        path.mkdir(parents=True)
        _bind(folder / str(number), path)


def _closed_above(path: Path) -> Path | None:
    """The topmost folder above a path that others may not enter."""
    above = reversed(path.parents)
    return next((folder for folder in above if not folder.stat().st_mode & stat.S_IXOTH), None)


def _bind(source: Path, target: Path) -> None:
    _call("mount", bytes(source), bytes(target), None, _BIND | _RECURSIVE, None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
