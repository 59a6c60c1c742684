"""Working folders are measured and removed without following anything, however they are made."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aimesh.services.sandbox.folders import Workshop, measure, remove


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("stays")
    inner = tmp_path / "run" / "a" / "b"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent, tmp_path / "run"):
        (folder / "folder-link").symlink_to(kept)
        (folder / "file-link").symlink_to(kept / "file")
        os.link(kept / "file", folder / "hard-link")
    remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert (kept / "file").read_text() == "stays"


def test_folders_deeper_than_any_path_are_removed(tmp_path: Path) -> None:
    top = tmp_path / "run"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    remove(top)
    assert not top.exists()


@pytest.mark.parametrize("mode", [0, 0o300, 0o500])
def test_folders_that_their_owner_may_not_enter_are_removed(tmp_path: Path, mode: int) -> None:
    inner = tmp_path / "run" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.chmod(mode)
    inner.parent.chmod(mode)
    remove(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_names_that_are_no_text_are_removed(tmp_path: Path) -> None:
    top = tmp_path / "run"
    top.mkdir()
    for name in (b"\xff\xfe", b"-rf", b"a\nb", b"*", b"x" * 255):
        os.close(os.open(os.fsencode(top) + b"/" + name, os.O_CREAT | os.O_WRONLY))
    remove(top)
    assert not top.exists()


def test_a_folder_that_is_a_link_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with pytest.raises(OSError, match="link"):
        remove(tmp_path / "link")
    assert (tmp_path / "kept").exists()


def test_what_is_gone_already_is_no_error(tmp_path: Path) -> None:
    remove(tmp_path / "never")


def test_measure_counts_every_kind_of_entry(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "a" / "link").symlink_to("/")
    inodes, size = measure(tmp_path, 1000)
    assert inodes == 4
    assert 100_000 <= size < 150_000


def test_measure_stops_counting_when_it_is_enough(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "x").touch()
    assert 10 < measure(tmp_path, 10)[0] <= 40


def test_what_is_nested_too_deep_to_be_looked_at_counts_as_too_much(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(6):
        here = here / ("d" * 200)
    here.mkdir(parents=True)
    assert measure(tmp_path, 50)[0] == 51


def test_measure_takes_what_is_replaced_meanwhile_for_gone(tmp_path: Path) -> None:
    assert measure(tmp_path / "gone", 50) == (0, 0)


def test_measure_does_not_count_what_takes_no_room(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert measure(tmp_path, 10)[1] < 1 << 20


def test_a_workshop_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    left = tmp_path / "deadbeef"
    (left / "run-1").mkdir(parents=True)
    (left / "run-1" / "file").write_text("x")
    (left / ".lock").touch()
    workshop = Workshop(tmp_path)
    assert not left.exists()
    workshop.close()


def test_a_workshop_leaves_alone_what_is_in_use(tmp_path: Path) -> None:
    first = Workshop(tmp_path)
    folder = first.make(None)
    second = Workshop(tmp_path)
    assert folder.exists()
    second.close()
    first.close()
    first.close()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_workshops_may_open_while_others_close(tmp_path: Path) -> None:
    def open_and_close(_: int) -> None:
        for _ in range(50):
            Workshop(tmp_path).close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_and_close, range(4)))
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_workshop_touches_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to("/")
    Workshop(tmp_path).close()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "link").is_symlink()
