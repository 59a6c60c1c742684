"""Builds a world with nothing in it but the interpreter's library and a small empty folder."""

from __future__ import annotations

import posix
from typing import Any

from aimesh.services.sandbox.child import kernel

_NOSUID, _NODEV, _NOEXEC = 2, 4, 8
_BIND, _RECURSIVE, _PRIVATE, _DETACH = 0x1000, 0x4000, 0x40000, 2
_AT_HERE = -100
_AT_RECURSIVE = 0x8000


def enter(plan: dict[str, Any], owner: int | None) -> None:
    """Leave the machine's namespaces for new ones, with a root folder of our own.

    The next process that this one makes is the first in the new process namespace.

    Arguments:
        plan: what world.py planned.
        owner: the user to whom the working folder is to belong, if not the one that runs now.

    Raises:
        OSError: the kernel, or who configured it, does not let us.
    """
    uid, gid = posix.getuid(), posix.getgid()
    kernel.libc("unshare", plan["flags"])
    if plan["own_users"]:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    root = plan["root"]
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=1m,nr_inodes=512,mode=0755")
    _fill(root, plan)
    calls = plan["calls"]
    kernel.syscall(
        "mount_setattr", calls[0], _AT_HERE, root.encode(), _AT_RECURSIVE, plan["attributes"], 32
    )
    for path in plan["devices"]:
        _mount(path, root + path, None, _BIND)
    options = plan["size"] + ("" if owner is None else f",uid={owner},gid={owner}")
    _mount("tmpfs", root + plan["folder"], "tmpfs", _NOSUID | _NODEV | _NOEXEC, options)
    posix.chdir(root)
    kernel.syscall("pivot_root", calls[1], b".", b".")
    kernel.libc("umount2", b".", _DETACH)
    posix.chdir("/")


def _fill(root: str, plan: dict[str, Any]) -> None:
    for path in plan["folders"]:
        posix.mkdir(root + path, 0o755)
    for path in plan["files"]:
        posix.close(posix.open(root + path, posix.O_CREAT | posix.O_WRONLY, 0o444))
    for target, path in plan["links"]:
        posix.symlink(target, root + path)
    for source, path in plan["binds"]:
        _mount(source, root + path, None, _BIND | _RECURSIVE)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind, options)]
    try:
        kernel.libc("mount", words[0], words[1], words[2], flags, words[3])
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} (on {target})") from error


def _write(path: str, text: str) -> None:
    fd = posix.open(path, posix.O_WRONLY)
    try:
        posix.write(fd, text.encode())
    except OSError as error:
        raise OSError(error.errno, f"{path}: {error.strerror}") from error
    finally:
        posix.close(fd)
