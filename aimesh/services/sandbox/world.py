"""Plans the root folder that a run sees in namespaces of its own."""

from __future__ import annotations

import os
import struct
from pathlib import PurePosixPath
from typing import Any

from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.machine import DEVICES, Interpreter, architecture
from aimesh.services.sandbox.syscalls import numbers

FOLDER = "/box"
_NEW_USERS = 0x10000000
# mounts, cgroups, host name, System V and POSIX queues, processes, network
_NEW_ALL_ELSE = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
_READ_ONLY, _NOSUID, _NODEV = 1, 2, 4


def plan(layers: Layers, limits: Limits, python: Interpreter, root: str) -> dict[str, Any]:
    """What the sandboxed process mounts where; paths are below the new root.

    Arguments:
        root: an existing folder outside, to mount the new root on.
    """
    devices = ("/dev/null", *DEVICES)
    links = {path: os.readlink(path) for path in python.library if os.path.islink(path)}
    real = [path for path in python.library if path not in links]
    outermost = [path for path in real if not any(_below(path, other) for other in real)]
    folders = [path for path in outermost if os.path.isdir(path)]
    files = [path for path in outermost if path not in folders]
    empty = "/empty"
    hidden = [(root + empty, path) for path in python.packages if _bound(path, folders)]
    calls = numbers(architecture())
    own_users = layers.namespaces == "user"
    return {
        "flags": _NEW_ALL_ELSE | (_NEW_USERS if own_users else 0),
        "own_users": own_users,
        "root": root,
        "folder": FOLDER,
        "folders": _with_parents([*folders, FOLDER, empty], [*files, *links, *devices]),
        "files": [*files, *devices],
        "links": [(target, path) for path, target in links.items()],
        "binds": [(path, path) for path in outermost] + hidden,
        "devices": devices,
        "attributes": struct.pack("<QQQQ", _READ_ONLY | _NOSUID | _NODEV, 0, 0, 0),
        # one inode is the folder itself
        "size": f"size={limits.disk},nr_inodes={limits.inodes + 1},mode=0700",
        "calls": (calls["mount_setattr"], calls["pivot_root"]),
    }


def _below(path: str, other: str) -> bool:
    return path != other and PurePosixPath(path).is_relative_to(other)


def _bound(path: str, folders: list[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _with_parents(folders: list[str], files: list[str]) -> list[str]:
    """All folders that have to be made, each after the one that holds it."""
    parents = [parent for path in folders + files for parent in PurePosixPath(path).parents]
    wanted = {str(parent) for parent in parents} | set(folders)
    return sorted(wanted - {"/"})
