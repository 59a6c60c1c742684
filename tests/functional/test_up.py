"""`aimesh up` refuses what would do harm, and says what to do instead."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from aimesh.commands.up import LOCK, up
from aimesh.embedded.lock import FolderLock
from aimesh.embedded.ports import free_port
from aimesh.settings import Settings


class Terminal:
    """Runs `up` and keeps what it told and asked."""

    def __init__(self, answer: bool = True) -> None:
        self.told = io.StringIO()
        self.asked: list[str] = []
        self._answer = answer

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self._answer

    async def up(self, settings: Settings, *, fresh: bool = False) -> int:
        console = Console(file=self.told, width=200)
        return await up(settings, fresh=fresh, console=console, confirm=self.confirm)

    @property
    def text(self) -> str:
        return self.told.getvalue()


def away(data: Path) -> Settings:
    """Settings with a Kafka that is not there, so that `up` ends soon."""
    return Settings(data=data, kafka=f"127.0.0.1:{free_port()}")


def fill(data: Path) -> None:
    (data / "kafka" / "log").mkdir(parents=True)
    (data / "ai_history.csv").write_text("task\n")
    outside = data.parent / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (data / "link").symlink_to(outside)


async def test_a_kafka_that_is_set_but_not_there_is_told_with_exit_code_3(tmp_path: Path) -> None:
    terminal, settings = Terminal(), away(tmp_path / "data")
    assert await terminal.up(settings) == 3
    assert f"nothing listens at {settings.kafka}" in terminal.text
    assert "KAFKA_BOOTSTRAP_SERVERS" in terminal.text


async def test_a_second_up_on_the_same_data_is_refused_even_afresh(tmp_path: Path) -> None:
    fill(data := tmp_path / "data")
    lock = FolderLock(data / LOCK)
    assert await lock.acquire()
    terminal = Terminal()
    assert await terminal.up(away(data), fresh=True) == 1
    lock.release()
    assert f"process {os.getpid()}" in terminal.text
    assert "AIMESH_DATA" in terminal.text
    assert terminal.asked == []
    assert (data / "ai_history.csv").exists()


async def test_fresh_asks_and_deletes_what_is_in_the_folder_and_nothing_else(
    tmp_path: Path,
) -> None:
    fill(data := tmp_path / "data")
    terminal = Terminal()
    assert await terminal.up(away(data), fresh=True) == 3
    assert terminal.asked == [f"Delete everything in {data} (ai_history.csv, kafka, link)?"]
    assert [path.name for path in data.iterdir()] == [LOCK]
    assert (tmp_path / "outside" / "precious").exists()
    assert "stay as they are" in terminal.text


async def test_fresh_deletes_nothing_when_the_user_says_no(tmp_path: Path) -> None:
    fill(data := tmp_path / "data")
    terminal = Terminal(answer=False)
    assert await terminal.up(away(data), fresh=True) == 1
    assert "Nothing was deleted" in terminal.text
    assert (data / "ai_history.csv").exists()


async def test_fresh_asks_nothing_when_there_is_nothing(tmp_path: Path) -> None:
    terminal = Terminal()
    await terminal.up(away(tmp_path / "data"), fresh=True)
    assert terminal.asked == []


@pytest.mark.parametrize("where", [Path.cwd, lambda: Path.cwd().parent, lambda: Path.home() / ".."])
async def test_fresh_never_empties_a_folder_that_holds_more(
    where: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "homes" / "me"))
    (tmp_path / "homes" / "me").mkdir(parents=True)
    terminal = Terminal()
    assert await terminal.up(away(where()), fresh=True) == 1
    assert "is not emptied" in terminal.text
    assert terminal.asked == []


async def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    terminal = Terminal()
    assert await terminal.up(away(tmp_path / "file" / "data")) == 1
    assert "AIMESH_DATA" in terminal.text
