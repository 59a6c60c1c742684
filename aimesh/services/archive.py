"""The door to the archive of reviewed tasks: a CSV file that several processes may append to."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aimesh.core.archive import HEADER, ArchiveRow, Records, clean, encoded, record, row_of
from aimesh.errors import UnavailableError

log = logging.getLogger(__name__)

LOCK_TIMEOUT = 10.0
READ_SIZE = 1 << 20

REMEDIES = {
    errno.ENOSPC: "free some space on this disk",
    errno.EDQUOT: "free some space: the disk quota is used up",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
    errno.EACCES: "give this user the right to write there",
    errno.EPERM: "give this user the right to write there",
    errno.EROFS: "mount the file system for writing, or set AIMESH_DATA",
    errno.EIO: "the disk reports errors: look at the kernel's log",
    errno.EISDIR: "move the folder of that name away",
    errno.EEXIST: "AIMESH_DATA leads through a file; choose another folder",
    errno.ENOTDIR: "AIMESH_DATA leads through a file; choose another folder",
}


class Archive:
    """Appends reviewed tasks to a CSV file, each task once, whole or not at all.

    Any number of processes and threads may append to one file: a lock file beside it lets one
    write at a time, and each first catches up with what others have appended. What a crash
    broke off at the end is moved to a `.torn` file beside it before anything is appended.

    Arguments:
        path: the file; it and its folder are made when the first row comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_path = path.with_name(path.name + ".lock")
        self._torn_path = path.with_name(path.name + ".torn")
        self._mutex = threading.Lock()
        self._forget()

    async def append(self, row: ArchiveRow) -> bool:
        """Append one row and see it safely on the disk.

        Returns:
            False when the archive has a row of this task already.

        Raises:
            UnavailableError: the disk is full or broken, or the file may not be written or is
                not this archive; nothing of the row is left behind.
        """
        return (await self.append_many([row]))[0]

    async def append_many(self, rows: Sequence[ArchiveRow]) -> list[bool]:
        """Append rows under one lock and one sync to disk: all that are new, or none.

        Returns and raises as `append` does, with one answer a row.
        """
        return await asyncio.to_thread(self._append, list(rows))

    def rows(self) -> Iterator[ArchiveRow]:
        """Every whole row, oldest first, read as they are asked for.

        Raises:
            UnavailableError: the file cannot be read, or is not this archive.
        """
        if not self.path.exists():
            return
        with self._failures(), self.path.open("rb") as file:
            header: list[str] = []
            for values in Records(file):
                if not header:
                    header = _header(values)
                elif row := row_of(header, values):
                    yield row

    def ids(self) -> set[str]:
        """The ids of all tasks in the archive."""
        with self._mutex, self._failures():
            if not self.path.exists():
                return set()
            with self._locked(), self.path.open("rb") as file:
                self._catch_up(file)
                return set(self._ids)

    def _forget(self) -> None:
        self._ids: set[str] = set()
        self._columns: list[str] = []
        self._end = 0  # of the last whole record that is in the index
        self._inode: tuple[int, int] | None = None

    def _append(self, rows: list[ArchiveRow]) -> list[bool]:
        if not rows:
            return []
        with self._mutex, self._failures():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(), _opened(self.path) as file:
                self._catch_up(file)
                self._cut_torn(file)
                return self._write(file, rows)

    def _write(self, file: BinaryIO, rows: list[ArchiveRow]) -> list[bool]:
        new: set[str] = set()
        answers: list[bool] = []
        data = b"" if self._columns else encoded(HEADER)
        for row in rows:
            task_id = clean(row.task_id)
            answers.append(task_id not in self._ids and task_id not in new)
            if answers[-1]:
                new.add(task_id)
                data += record(row, self._columns or HEADER)
        try:
            _write_all(file, self._end, data)
            os.fsync(file.fileno())  # also of what a crashed process has left unsynced
            if not self._columns:
                _sync_folder(self.path.parent)
        except BaseException:
            self._roll_back(file)
            raise
        self._columns = self._columns or list(HEADER)
        self._ids |= new
        self._end += len(data)
        return answers

    def _roll_back(self, file: BinaryIO) -> None:
        """Take away what a failed write has left; a half row that stays is cut the next time."""
        try:
            os.ftruncate(file.fileno(), self._end)
            os.fsync(file.fileno())
        except OSError as exc:
            log.warning("the archive's last write could not be taken back: %s", exc)

    def _catch_up(self, file: BinaryIO) -> None:
        """Take what was appended since the last look into the index."""
        found = os.fstat(file.fileno())
        inode = (found.st_dev, found.st_ino)
        if inode != self._inode or not self._continues(file, found.st_size):
            self._forget()
            self._inode = inode
        file.seek(self._end)
        records = Records(file, self._end)
        for values in records:
            if self._columns:
                at = self._columns.index("task_id")
                self._ids.add(values[at] if at < len(values) else "")
            else:
                self._columns = _header(values)
        self._end = records.end

    def _continues(self, file: BinaryIO, size: int) -> bool:
        """Is the file still the one that was read up to ``_end``?"""
        if size < self._end:
            return False
        return self._end == 0 or os.pread(file.fileno(), 1, self._end - 1) == b"\n"

    def _cut_torn(self, file: BinaryIO) -> None:
        """Set aside the bytes after the last whole record: a crash has left them."""
        file.seek(self._end)
        torn = file.read()
        if not torn:
            return
        with self._torn_path.open("ab") as aside:
            aside.write(torn)
            os.fsync(aside.fileno())
        os.ftruncate(file.fileno(), self._end)
        log.warning(
            "the archive ended in a broken row of %d bytes; moved to %s", len(torn), self._torn_path
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock file. Released by the system too, should this process die."""
        handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            deadline = time.monotonic() + LOCK_TIMEOUT
            while not _try_lock(handle):
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        "archive",
                        f"another process holds {self._lock_path} for {LOCK_TIMEOUT:g} s",
                        remedy="see which one with `lsof`, and end it",
                    )
                time.sleep(0.002)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except UnavailableError:
            raise
        except OSError as exc:
            remedy = REMEDIES.get(exc.errno or 0, "")
            reason = f"{self.path} cannot be used: {exc.strerror or exc}"
            raise UnavailableError("archive", reason, remedy=remedy) from exc


def _header(values: list[str]) -> list[str]:
    columns = [values[0].removeprefix("\ufeff"), *values[1:]]
    if missing := [name for name in HEADER if name not in columns]:
        raise UnavailableError(
            "archive",
            f"the file there is no archive of this mesh: column {missing[0]!r} is missing",
            remedy="move it away; a new one is made",
        )
    return columns


def _opened(path: Path) -> BinaryIO:
    """Open for reading and writing, without cutting what is there."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    return open(handle, "r+b", buffering=READ_SIZE)


def _sync_folder(folder: Path) -> None:
    """See the name of a new file safely on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(file: BinaryIO, position: int, data: bytes) -> None:
    """Write past any buffer: a full disk may take a part, which shows as a short count."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, position)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]
        position += written


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
