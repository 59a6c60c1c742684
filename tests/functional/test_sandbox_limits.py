"""Every limit is held and named in the verdict, and the rest of the verdict is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimesh.services.sandbox import Limits, Sandbox
from tests.sandboxing import MODES, SMALL, opened


@pytest.fixture(params=MODES)
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with opened(tmp_path, request.param) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("code", "verdict", "limit"),
    [
        ("while True: pass", "timeout", "CPU 1 s"),
        ("x = bytearray(2 << 30)", "out_of_memory", "memory 256 MB"),
        ("while True: print('x' * 1000)", "output_limit", "output 64 KB"),
        ("open('f', 'wb').write(bytes(8 << 20))", "disk_limit", "files 4 MB"),
        (
            "import time\nfor n in range(3): open(str(n), 'wb').write(bytes(3 << 20))\n"
            "time.sleep(60)",
            "disk_limit",
            "files 4 MB",
        ),
        (
            "import os, time\nfor n in range(400): os.mkdir(str(n))\ntime.sleep(60)",
            "disk_limit",
            "inodes 100",
        ),
    ],
)
async def test_limit_is_held_and_named(
    sandbox: Sandbox, code: str, verdict: str, limit: str
) -> None:
    outcome = await sandbox.run(code)
    assert (outcome.verdict, outcome.limit) == (verdict, limit), outcome
    assert not outcome.success
    assert outcome.error


@pytest.mark.parametrize("mode", MODES)
async def test_memory_that_grows_bit_by_bit_is_held_and_named(mode: str, tmp_path: Path) -> None:
    # on a busy machine 256 MB of new pages can take a second of CPU time
    async with opened(tmp_path, mode, replace(SMALL, cpu_s=20)) as sandbox:
        outcome = await sandbox.run("x = []\nwhile True: x.append(bytearray(1 << 20))")
    assert (outcome.verdict, outcome.limit) == ("out_of_memory", "memory 256 MB"), outcome
    assert not outcome.success
    assert outcome.error


@pytest.mark.parametrize("mode", MODES)
async def test_time_on_the_wall_is_held_and_named(mode: str, tmp_path: Path) -> None:
    async with opened(tmp_path, mode, Limits(wall_s=0.7)) as sandbox:
        outcome = await sandbox.run("print('so far', end='')\nimport time; time.sleep(60)")
    assert (outcome.verdict, outcome.limit) == ("timeout", "wall 0.7 s")
    assert 0.7 <= outcome.wall_s < 5
    # what was written before the end by force is kept
    assert outcome.output == "so far"


async def test_threads_are_limited(sandbox: Sandbox) -> None:
    outcome = await sandbox.run(
        "import threading, time\n"
        "for _ in range(200):\n"
        "    threading.Thread(target=time.sleep, args=(1,)).start()\n"
        "    time.sleep(0.002)\n"
    )
    assert outcome.limit == "threads 16", outcome
    assert outcome.verdict in ("failed", "killed")


async def test_what_ended_within_the_limits_but_left_too_much_is_told(sandbox: Sandbox) -> None:
    outcome = await sandbox.run("for n in range(2): open(str(n), 'wb').write(bytes(3 << 20))")
    assert (outcome.verdict, outcome.limit) == ("disk_limit", "files 4 MB")


async def test_verdict_tells_how_a_program_ended(sandbox: Sandbox) -> None:
    ended = await sandbox.run("import sys; print('partial'); sys.exit(3)")
    assert (ended.verdict, ended.exit_code, ended.signal) == ("failed", 3, None)
    assert (ended.output, ended.error) == ("partial\n", "exit code 3")
    crashed = await sandbox.run("import ctypes; ctypes.string_at(0)")
    assert (crashed.verdict, crashed.exit_code, crashed.signal) == ("killed", None, 11)
    passed = await sandbox.run("print('hello')")
    assert (passed.verdict, passed.success, passed.output) == ("passed", True, "hello\n")
    assert {"rlimits", "no_new_privs", "seccomp", "landlock"} <= set(passed.isolation)


async def test_verdict_tells_what_was_used(sandbox: Sandbox) -> None:
    outcome = await sandbox.run(
        "import time\nx = bytearray(b'x') * (100 << 20)\n"
        "until = time.process_time() + 0.3\n"
        "while time.process_time() < until: pass\ntime.sleep(0.2)"
    )
    assert outcome.success
    assert 100 << 20 < outcome.max_rss_bytes < 256 << 20
    assert 0.25 <= outcome.cpu_s <= outcome.wall_s - 0.1


async def test_peak_memory_is_the_runs_own_and_not_this_processs(sandbox: Sandbox) -> None:
    ballast = bytearray(b"x" * (150 << 20))
    outcome = await sandbox.run("pass")
    assert outcome.max_rss_bytes < 60 << 20
    del ballast


async def test_traceback_reads_as_python_shows_it(sandbox: Sandbox) -> None:
    outcome = await sandbox.run("def f():\n    return 1 / 0\n\nprint('before')\nf()\n")
    assert outcome.error == "ZeroDivisionError: division by zero"
    assert outcome.output.startswith(
        'before\nTraceback (most recent call last):\n  File "solution.py", line 5, in <module>\n'
        "    f()\n"
    )
    assert "return 1 / 0" in outcome.output
    assert "aimesh" not in outcome.output


async def test_standard_output_and_error_keep_their_order(sandbox: Sandbox) -> None:
    outcome = await sandbox.run(
        "import sys\nfor n in range(5): print(n, file=sys.stderr if n % 2 else sys.stdout)"
    )
    assert outcome.output == "0\n1\n2\n3\n4\n"


@pytest.mark.parametrize("code", ["", "  \n\t\n", "# only\n# comments\n", b"\n#\xff\n"])
async def test_no_code_is_not_run(sandbox: Sandbox, code: str | bytes) -> None:
    outcome = await sandbox.run(code)
    assert (outcome.verdict, outcome.wall_s) == ("no_code", 0.0)


async def test_too_much_code_is_not_run(sandbox: Sandbox) -> None:
    outcome = await sandbox.run("x = 1\n" * 200_000)
    assert (outcome.verdict, outcome.limit) == ("failed", "code 1 MB")


@pytest.mark.parametrize("code", [b"x = '\xff'", b"x = 1\x00", "x = (", "\ud800", "if True:\nx"])
async def test_what_is_no_python_fails_with_a_reason(sandbox: Sandbox, code: str | bytes) -> None:
    outcome = await sandbox.run(code)
    assert outcome.verdict == "failed"
    assert "Error" in outcome.error
