"""The archive on a real disk: one row a task, whole or absent."""

# ruff: noqa: ASYNC240  # nothing else runs on the loop of these tests

from __future__ import annotations

import asyncio
import contextlib
import csv
import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimesh.core.archive import HEADER, encoded, record
from aimesh.errors import UnavailableError
from aimesh.services import archive as module
from aimesh.services.archive import Archive
from tests.appender import row
from tests.disks import resize, small_disk

APPEND = """
import asyncio, sys
from pathlib import Path
from aimesh.services.archive import Archive
from tests.appender import row
asyncio.run(Archive(Path(sys.argv[1])).append(row(2)))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ai_history.csv"


def table(path: Path) -> list[list[str]]:
    """What Python's CSV reader finds at its defaults."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


async def test_the_first_row_makes_the_folder_and_the_header(path: Path) -> None:
    assert await Archive(path).append(row(1)) is True
    header, values = table(path)
    assert header == list(HEADER)
    assert values[3:6] == ["id-1", "false", "2"]


async def test_rows_come_back_as_they_went_in(path: Path) -> None:
    archive = Archive(path)
    wanted = [row(number) for number in range(5)]
    await archive.append_many(wanted)
    assert list(archive.rows()) == wanted
    assert archive.ids() == {f"id-{number}" for number in range(5)}


async def test_a_task_has_one_row_whoever_appends_it(path: Path) -> None:
    first, second = Archive(path), Archive(path)
    assert await first.append(row(1)) is True
    assert await second.append(row(1)) is False
    assert await second.append_many([row(2), row(1), row(2)]) == [True, False, False]
    assert await first.append_many([row(2), row(3)]) == [False, True]
    assert [item.task_id for item in first.rows()] == ["id-1", "id-2", "id-3"]


async def test_an_id_that_has_to_be_spelled_out_is_still_one_task(path: Path) -> None:
    strange = replace(row(1), task_id="a\udcff\r\n\0")
    assert await Archive(path).append(strange) is True
    assert await Archive(path).append(strange) is False


async def test_nothing_to_append_touches_nothing(path: Path) -> None:
    assert await Archive(path).append_many([]) == []
    assert not path.exists()
    assert list(Archive(path).rows()) == []
    assert Archive(path).ids() == set()


async def test_appends_at_once_in_one_process_all_arrive(path: Path) -> None:
    archives = [Archive(path), Archive(path)]
    answers = await asyncio.gather(*(archives[n % 2].append(row(n // 2)) for n in range(60)))
    assert sum(answers) == 30
    assert len(table(path)) == 31


async def test_a_row_broken_off_anywhere_is_set_aside_before_the_next_comes(path: Path) -> None:
    path.parent.mkdir()
    whole = encoded(HEADER) + record(row(1))
    torn = record(row(2))
    for length in range(1, len(torn)):
        path.write_bytes(whole + torn[:length])
        assert await Archive(path).append_many([row(1), row(2)]) == [False, True], length
        assert path.read_bytes() == whole + torn, length
        aside = path.with_name("ai_history.csv.torn")
        assert aside.read_bytes() == torn[:length], length
        aside.unlink()


async def test_a_header_broken_off_is_written_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(encoded(HEADER)[:20])
    assert await Archive(path).append(row(1)) is True
    assert path.read_bytes() == encoded(HEADER) + record(row(1))


async def test_a_torn_row_is_not_read(path: Path) -> None:
    await Archive(path).append(row(1))
    with path.open("ab") as file:
        file.write(record(row(2))[:-1])
    archive = Archive(path)
    assert list(archive.rows()) == [row(1)]
    assert archive.ids() == {"id-1"}


async def test_a_file_that_was_replaced_is_read_anew(path: Path) -> None:
    archive = Archive(path)
    await archive.append_many([row(1), row(2)])
    path.unlink()
    assert await archive.append(row(2)) is True
    path.write_bytes(encoded(HEADER))
    assert await archive.append(row(2)) is True
    assert [item.task_id for item in archive.rows()] == ["id-2"]


async def test_a_file_that_another_program_saved_is_continued_in_its_order(path: Path) -> None:
    path.parent.mkdir()
    header = ["\ufefftask_id", "extra", *[name for name in HEADER if name != "task_id"]]
    path.write_text(",".join(header) + "\nid-1,,,,,true,1,,,\n", encoding="utf-8")
    assert await Archive(path).append_many([row(1), row(2)]) == [False, True]
    assert [item.task_id for item in Archive(path).rows()] == ["id-1", "id-2"]


async def test_a_file_that_is_no_archive_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("name,phone\nAnn,1\n")
    with pytest.raises(UnavailableError, match=r"column 'task' is missing.*move it away"):
        await Archive(path).append(row(1))
    assert path.read_text() == "name,phone\nAnn,1\n"


def failing(code: int, *, after: int = 0) -> Callable[[int, memoryview, int], int]:
    """A write that takes ``after`` bytes and then fails."""
    left = after

    def pwrite(handle: int, data: memoryview, position: int) -> int:
        nonlocal left
        if not left:
            raise OSError(code, os.strerror(code))
        taken, left = min(left, len(data)), 0
        with open(handle, "r+b", buffering=0, closefd=False) as file:
            file.seek(position)
            file.write(data[:taken])
        return taken

    return pwrite


def broken(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EIO, "kernel's log"),
        (errno.EDQUOT, "quota"),
        (errno.EBADF, "Bad file descriptor"),
    ],
)
async def test_a_write_that_fails_halfway_leaves_nothing_and_says_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    archive = Archive(path)
    await archive.append(row(1))
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(code, after=100))
        with pytest.raises(UnavailableError, match=advice):
            await archive.append_many([row(2), row(3)])
    assert path.read_bytes() == before
    assert await archive.append_many([row(2), row(3)]) == [True, True]
    assert list(archive.rows()) == [row(1), row(2), row(3)]


async def test_what_cannot_even_be_taken_back_is_mended_at_the_next_try(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(path)
    await archive.append(row(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(errno.EIO, after=100))
        patch.setattr(os, "ftruncate", broken)
        with pytest.raises(UnavailableError):
            await archive.append(row(2))
    assert path.stat().st_size == len(encoded(HEADER) + record(row(1))) + 100
    assert await archive.append(row(2)) is True
    assert list(archive.rows()) == [row(1), row(2)]


async def test_a_disk_that_fails_to_sync_takes_the_row_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(path)
    await archive.append(row(1))
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(UnavailableError):
            await archive.append(row(2))
    assert path.read_bytes() == before
    assert await archive.append(row(2)) is True


async def test_a_lock_that_is_held_for_too_long_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.05)
    archive = Archive(path)
    await archive.append(row(1))
    with (
        Archive(path)._locked(),
        pytest.raises(UnavailableError, match=r"ai_history\.csv\.lock"),
    ):
        await archive.append(row(2))
    assert await archive.append(row(2)) is True


@pytest.mark.parametrize("kind", ["folder", "file"])
async def test_a_path_that_leads_nowhere_is_told(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("")
    with pytest.raises(UnavailableError, match=r"archive: .*\(.*\)"):
        await Archive(path).append(row(1))
    if kind == "folder":
        with pytest.raises(UnavailableError, match="Is a directory"):
            list(Archive(path).rows())


@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="nothing is forbidden to root"
)
def test_a_file_that_may_not_be_written_is_told(path: Path) -> None:
    asyncio.run(Archive(path).append(row(1)))
    path.chmod(stat.S_IRUSR)
    # root may write to any file, unless that is taken from it
    limits = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*limits, sys.executable, "-c", APPEND, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "UnavailableError" in done.stderr
    assert "right to write" in done.stderr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "64k"):
        yield tmp_path / "disk"


async def test_a_full_disk_is_told_and_work_goes_on_when_there_is_room(disk: Path) -> None:
    path = disk / "ai_history.csv"
    archive = Archive(path)
    written = 0
    with contextlib.suppress(UnavailableError):
        while await archive.append(row(written, 1000)):
            written += 1
    with pytest.raises(UnavailableError, match="free some space"):
        await archive.append(row(written, 1000))
    assert [item.task_id for item in archive.rows()] == [f"id-{n}" for n in range(written)]
    assert path.read_bytes().endswith(b"\r\n")
    resize(disk, "256k")
    assert await archive.append(row(written, 1000)) is True
    assert list(archive.rows()) == [row(n, 1000) for n in range(written + 1)]


def test_a_limit_on_file_sizes_is_told_and_leaves_whole_rows(path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))"
    run = (
        f"{limit}; import asyncio, sys; from tests.appender import main;"
        "asyncio.run(main(sys.argv[1], 0, 1000, 1, 500))"
    )
    done = subprocess.run(
        [sys.executable, "-c", run, str(path)], capture_output=True, text=True, check=False
    )
    assert "raise the limit on file sizes" in done.stderr
    assert path.stat().st_size < 50000
    written = len(done.stdout.split())
    assert list(Archive(path).rows()) == [row(n, 500) for n in range(written)]
