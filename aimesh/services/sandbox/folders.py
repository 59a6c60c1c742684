"""The working folders on disk: made, measured and removed without following anything in them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = ".lock"
# in bytes, which a character of a name may take four of; the kernel's limit is 4096
_LONGEST_PATH = 1000
# what was a folder a moment ago is gone, or something else by now
_REPLACED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Workshop:
    """A folder of one sandbox, which holds the folders of its runs.

    A lock on it tells other processes that it is in use, so that what a killed process left is
    found and removed by the next one that starts.
    """

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True, mode=0o711)
        self._guard = os.open(scratch / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._number = 0
        with _locked(self._guard):
            _remove_stale(scratch)
            self.path = Path(os.path.realpath(scratch)) / secrets.token_hex(4)
            self.path.mkdir(mode=0o711)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        # where a run in namespaces mounts its own root, invisible to all others
        self.root = self.path / "root"
        self.root.mkdir(mode=0o711)

    def make(self, owner: int | None) -> Path:
        """A new empty folder for one run.

        Arguments:
            owner: the user to whom it is to belong, if not this process's own.
        """
        self._number += 1
        folder = self.path / f"run-{self._number}"
        folder.mkdir(mode=0o700)
        if owner is not None:
            os.chown(folder, owner, owner)
        return folder

    def close(self) -> None:
        """Remove the folder and give up the lock; harmless when done already."""
        if self._lock < 0:
            return
        with _locked(self._guard):  # another that starts would take a half removed one for left
            remove(self.path)
        for fd in (self._lock, self._guard):
            os.close(fd)
        self._lock = self._guard = -1


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, however deep.

    Folders inside are first moved to the top, so that neither a path's length nor a recursion
    bounds how deep they may be nested.
    """
    try:
        top = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return
    try:
        while names := _empty_of_files(top):
            for name in names:
                _flatten(top, name)
    finally:
        os.close(top)
    os.rmdir(folder)


def measure(folder: Path, most: int) -> tuple[int, int]:
    """How many inodes and bytes are in a folder.

    Arguments:
        most: stop counting inodes beyond this number.

    Raises:
        OSError: it cannot be told.
    """
    inodes = size = 0
    waiting: list[str] = ["."]
    try:
        top = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return 0, 0
    try:
        while waiting and inodes <= most:
            path = waiting.pop()
            if len(path) > _LONGEST_PATH:  # no look can follow there, and no program has to
                return most + 1, size
            inside, found = _measure_one(top, path)
            waiting += inside
            inodes += len(found)
            size += sum(found)
    finally:
        os.close(top)
    return inodes, size


def _measure_one(top: int, path: str) -> tuple[list[str], list[int]]:
    """The folders in one folder, and the bytes that each entry takes."""
    inside, sizes = [], []
    try:
        fd = os.open(path, _FOLDER, dir_fd=top)
    except OSError as error:
        if error.errno in _REPLACED:
            return [], []
        raise
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    sizes.append(entry.stat(follow_symlinks=False).st_blocks * 512)
                    if entry.is_dir(follow_symlinks=False):
                        inside.append(f"{path}/{entry.name}")
    finally:
        os.close(fd)
    return inside, sizes


def _empty_of_files(top: int) -> list[str]:
    folders = []
    with os.scandir(top) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=top)
    return folders


def _flatten(top: int, name: str) -> None:
    """Remove one folder, moving the folders in it up to ``top``."""
    inner = _opened(top, name)
    try:
        for folder in _empty_of_files(inner):
            os.close(_opened(inner, folder))  # a folder can be moved only by who may write in it
            os.rename(folder, secrets.token_hex(8), src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _opened(top: int, name: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=top)
    except PermissionError:
        # through its own descriptor, so that no link is followed
        handle = os.open(name, _FOLDER | os.O_PATH, dir_fd=top)
        try:
            os.chmod(f"/proc/self/fd/{handle}", 0o700)
        finally:
            os.close(handle)
        return os.open(name, _FOLDER, dir_fd=top)


def _remove_stale(scratch: Path) -> None:
    for folder in scratch.iterdir():
        if folder.is_symlink() or not folder.is_dir():
            continue
        with contextlib.suppress(OSError):  # in use, or gone by now
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(lock)


class _locked:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)
