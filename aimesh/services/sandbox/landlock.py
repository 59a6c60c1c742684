"""Which files the code in the sandbox may touch, as Landlock wants to be told."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 10, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# how many rights of the file system each version of Landlock knows
_RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS = 16
# both ways to use TCP; both scopes: signals and abstract sockets outside
_ALL_TCP, _ALL_SCOPES = 0b11, 0b11


def _rights(version: int) -> int:
    return (1 << _RIGHTS_OF_VERSION.get(version, _RIGHTS)) - 1


def ruleset(version: int) -> bytes:
    """A ``landlock_ruleset_attr`` that takes away all that this version can take away."""
    attributes = struct.pack("<Q", _rights(version))
    if version >= 4:
        attributes += struct.pack("<Q", _ALL_TCP)
    if version >= 6:
        attributes += struct.pack("<Q", _ALL_SCOPES)
    return attributes


def reading(version: int, paths: Iterable[str]) -> list[tuple[str, int]]:
    """What may be read: existing files and folders with their rights, and the null device.

    Arguments:
        version: Landlock's ABI version.
        paths: the files and folders.
    """
    known = _rights(version)
    given = [(path, _reading(path)) for path in paths]
    given.append(("/dev/null", _READ_FILE | _WRITE_FILE))
    return [(path, access & known) for path, access in given]


def keeping(version: int, folder: str) -> tuple[str, int]:
    """The private working folder with its rights: all but programs and special files."""
    special = _EXECUTE | _MAKE_CHAR | _MAKE_SOCK | _MAKE_FIFO | _MAKE_BLOCK | _IOCTL_DEV
    return folder, _rights(version) & ~special


def _reading(path: str) -> int:
    return _READ_FILE | _READ_DIR if Path(path).is_dir() else _READ_FILE
