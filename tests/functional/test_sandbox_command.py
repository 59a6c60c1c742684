"""``aimesh sandbox`` runs a file and prints the verdict."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from aimesh.commands.sandbox_command import run_file
from aimesh.services.sandbox import machine, probing
from aimesh.settings import Settings
from tests.sandboxing import opened


async def _run(
    tmp_path: Path, code: str | None, *, as_json: bool = False, mode: str = "auto"
) -> tuple[int, str]:
    script = tmp_path / "script.py"
    if code is not None:
        script.write_text(code)
    written = io.StringIO()
    settings = Settings(data=tmp_path / "data", sandbox=mode)
    console = Console(file=written, width=100)
    code_of_end = await run_file(settings, str(script), as_json, console)
    return code_of_end, written.getvalue()


@pytest.fixture
async def held(tmp_path: Path) -> None:
    async with opened(tmp_path / "probe", "strict"):
        pass  # skips where no code can be held


@pytest.mark.usefixtures("held")
async def test_a_passing_file_ends_with_0(tmp_path: Path) -> None:
    code, text = await _run(tmp_path, "print('[bold]hello[/bold] 1')")
    assert code == 0
    assert text.startswith("[bold]hello[/bold] 1\npassed · exit code 0")
    assert "held by rlimits, no_new_privs, landlock, seccomp" in text


@pytest.mark.usefixtures("held")
async def test_a_failing_file_ends_with_1(tmp_path: Path) -> None:
    code, text = await _run(tmp_path, "1 / 0")
    assert code == 1
    assert "failed · ZeroDivisionError: division by zero" in text


@pytest.mark.usefixtures("held")
async def test_the_verdict_as_json_has_every_field(tmp_path: Path) -> None:
    code, text = await _run(tmp_path, "print('hello')", as_json=True)
    facts = json.loads(text)
    assert code == 0
    assert (facts["verdict"], facts["success"], facts["output"]) == ("passed", True, "hello\n")
    assert {"exit_code", "signal", "wall_s", "cpu_s", "max_rss_bytes", "isolation"} <= set(facts)


async def test_a_missing_file_ends_with_2(tmp_path: Path) -> None:
    code, text = await _run(tmp_path, None)
    assert code == 2
    assert "No such file" in text


async def test_a_machine_that_cannot_hold_code_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probing.forget()
    monkeypatch.setattr(machine, "architecture", lambda: "")
    code, text = await _run(tmp_path, "print('hello')")
    assert code == 3
    assert "untrusted code is not run here" in text
    assert "hello" not in text


async def test_an_unsafe_run_is_said_to_be_one(tmp_path: Path) -> None:
    code, text = await _run(tmp_path, "print('hello')", mode="unsafe")
    assert code == 0
    assert "UNSAFE: held by rlimits alone" in text


async def test_standard_input_is_a_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"print('from input')")))
    written = io.StringIO()
    settings = Settings(data=tmp_path / "data", sandbox="unsafe")
    assert await run_file(settings, "-", False, Console(file=written)) == 0
    assert written.getvalue().startswith("from input\n")
