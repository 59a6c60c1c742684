"""What everyday programs do works in the sandbox: the standard library, threads, files, signals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aimesh.services.sandbox import Limits
from tests.sandboxing import MODES, opened

_PROGRAMS = sorted((Path(__file__).parents[1] / "escape" / "corpus" / "useful").glob("*.py"))


@pytest.mark.parametrize("mode", MODES)
async def test_useful_programs_run(mode: str, tmp_path: Path) -> None:
    programs = {path.stem: path.read_bytes() for path in _PROGRAMS}
    async with opened(tmp_path, mode, Limits(wall_s=60)) as sandbox:
        outcomes = await asyncio.gather(*(sandbox.run(code) for code in programs.values()))
    failed = {
        name: (outcome.verdict, outcome.error)
        for name, outcome in zip(programs, outcomes, strict=True)
        if not outcome.success
    }
    assert failed == {}
    assert len(programs) > 80


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("print('héllo ✓ 你好')", "héllo ✓ 你好\n"),
        (
            "import os; print(os.environ['USER'], os.getcwd() == os.environ['HOME'])",
            "sandbox True\n",
        ),
        ("class A:\n def __del__(self): print('gone')\na = A()\nprint('end')", "end\ngone\n"),
        ("import atexit; atexit.register(print, 'last'); print('end')", "end\nlast\n"),
        (
            "import threading, time\n"
            "threading.Thread(target=lambda: (time.sleep(0.05), print('thread'))).start()\n"
            "print('end')",
            "end\nthread\n",
        ),
        ("def main(): print('main')\nif __name__ == '__main__': main()", "main\n"),
        ("import sys; sys.stdout.write('no newline')", "no newline"),
        ("print('x', end='', flush=True); import os; os._exit(0)", "x"),
        ("try: input()\nexcept EOFError: print('no input')", "no input\n"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
async def test_programs_end_as_they_do_elsewhere(
    mode: str, tmp_path: Path, code: str, output: str
) -> None:
    async with opened(tmp_path, mode) as sandbox:
        outcome = await sandbox.run(code)
    assert (outcome.verdict, outcome.output) == ("passed", output)


@pytest.mark.parametrize("mode", MODES)
async def test_an_exception_at_the_very_end_is_shown(mode: str, tmp_path: Path) -> None:
    code = "import atexit\natexit.register(lambda: 1 / 0)\nprint('end')"
    async with opened(tmp_path, mode) as sandbox:
        outcome = await sandbox.run(code)
    assert outcome.output.startswith("end\n")
    assert "ZeroDivisionError" in outcome.output


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import subprocess; subprocess.run(['ls'])", ("PermissionError", "FileNotFoundError")),
        ("import os; os.fork()", ("PermissionError",)),
        ("import socket; socket.socket()", ("PermissionError",)),
        ("open('/etc/passwd')", ("PermissionError", "FileNotFoundError")),
        ("import aimesh", ("ModuleNotFoundError",)),
    ],
)
@pytest.mark.parametrize("mode", MODES)
async def test_what_is_not_allowed_fails_with_an_error_that_says_so(
    mode: str, tmp_path: Path, code: str, error: tuple[str, ...]
) -> None:
    async with opened(tmp_path, mode) as sandbox:
        outcome = await sandbox.run(code)
    assert outcome.verdict == "failed"
    assert outcome.error.startswith(error)
