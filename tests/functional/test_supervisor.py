"""What ends by itself is started again, with reasons; what is stopped is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from aimesh.embedded.logfile import LogFile
from aimesh.embedded.ports import free_port
from aimesh.embedded.program import Program, WebProgram, ending
from aimesh.embedded.rehearsal_program import RehearsalProgram
from aimesh.embedded.supervisor import Policy, supervising
from aimesh.errors import ProgramError
from tests.waiting import gone, until

QUICK = Policy(first_pause=0.01, longest_pause=0.01)
STEADY = "print('ready'); import time; time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STEADY
DYING = "print('ready'); print('no more oil'); raise SystemExit(3)"
# ready at its first start only
ONCE = """
import pathlib, sys
first = not pathlib.Path({mark!r}).exists()
pathlib.Path({mark!r}).touch()
if first:
    print('ready')
raise SystemExit(4)
"""
WEB = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Handler.asked += 1
        self.send_response(200 if Handler.asked > 2 else 503)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
REHEARSAL = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
print(f"rehearsal model listening on http://127.0.0.1:{server.getsockname()[1]}", flush=True)
time.sleep(600)
"""


class Script(Program):
    """A Python program that is ready when it prints `ready`."""

    def __init__(self, code: str, folder: Path, name: str = "worker", limit: float = 30) -> None:
        super().__init__(
            name,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            log=folder / f"{name}.log",
            on_line=self._look_at,
            start_limit=limit,
        )
        self.code = code
        self.pids: list[int] = []
        self._is_ready = asyncio.Event()

    def command(self) -> Sequence[str]:
        self._is_ready.clear()
        return [sys.executable, "-c", self.code]

    async def ready(self) -> None:
        await self._is_ready.wait()
        assert self.pid is not None
        self.pids.append(self.pid)

    def _look_at(self, line: str) -> None:
        if line == "ready":
            self._is_ready.set()


async def keep(told: list[str], policy: Policy, *scripts: Script) -> None:
    """Keep programs running until one is given up."""
    async with supervising(told.append, policy) as supervisor:
        for script in scripts:
            await supervisor.start(script, grace=5)
        await asyncio.Event().wait()


@pytest.fixture
def told() -> list[str]:
    return []


async def test_what_is_killed_is_started_again(tmp_path: Path, told: list[str]) -> None:
    script = Script(STEADY, tmp_path)
    async with supervising(told.append, QUICK) as supervisor:
        await supervisor.start(script, grace=5)
        os.kill(script.pids[0], signal.SIGKILL)
        await until(lambda: len(told) == 2)
    assert told[0].startswith("The worker was ended by SIGKILL; it is started again in 0.01 s.")
    assert told[1].startswith("The worker serves again after ")
    assert len(script.pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in script.pids)


async def test_quick_deaths_end_in_giving_up_with_the_last_words(
    tmp_path: Path, told: list[str]
) -> None:
    script, other = Script(DYING, tmp_path), Script(STEADY, tmp_path, "other")
    with pytest.raises(ProgramError) as caught:
        await keep(told, QUICK, other, script)
    assert str(caught.value).startswith(
        "The worker ended with exit code 3, the 5th time within 30 s of its start"
    )
    assert "no more oil" in str(caught.value)
    assert len(script.pids) == 5
    assert not psutil.pid_exists(other.pids[0])


async def test_a_start_that_fails_counts_as_a_quick_death(tmp_path: Path, told: list[str]) -> None:
    script = Script(ONCE.format(mark=str(tmp_path / "mark")), tmp_path)
    with pytest.raises(ProgramError, match=r"exit code 4 while it started.*the 5th time"):
        await keep(told, QUICK, script)
    assert len(script.pids) == 1


async def test_a_long_life_forgives_earlier_deaths(tmp_path: Path, told: list[str]) -> None:
    script = Script(DYING, tmp_path)
    policy = Policy(first_pause=0, longest_pause=0, short_life=0)
    async with supervising(told.append, policy) as supervisor:
        await supervisor.start(script, grace=5)
        await until(lambda: len(script.pids) > 6, limit=30)


async def test_pauses_grow(tmp_path: Path, told: list[str]) -> None:
    policy = Policy(first_pause=0.01, longest_pause=0.03, quick_deaths=5)
    with pytest.raises(ProgramError):
        await keep(told, policy, Script(DYING, tmp_path))
    pauses = [line.split("again in ")[1].split(" s")[0] for line in told if "again in" in line]
    assert pauses == ["0.01", "0.02", "0.03", "0.03"]


async def test_what_cannot_start_at_all_ends_everything(tmp_path: Path, told: list[str]) -> None:
    steady = Script(STEADY, tmp_path, "steady")
    with pytest.raises(ProgramError, match=r"The worker ended with exit code 1 while .*no oil"):
        await keep(told, QUICK, steady, Script("raise SystemExit('no oil')", tmp_path))
    assert not psutil.pid_exists(steady.pids[0])


async def test_a_first_start_that_fails_may_be_tried_again(tmp_path: Path, told: list[str]) -> None:
    mark = str(tmp_path / "mark")
    first_time = f"import os; os.path.exists({mark!r}) or exit(os.mkdir({mark!r})); "
    script = Script(first_time + STEADY, tmp_path)
    async with supervising(told.append, QUICK) as supervisor:
        await supervisor.start(script, grace=5, retry=True)
    assert "ended with exit code 0 while it started" in told[0]
    assert len(script.pids) == 1


async def test_what_does_not_get_ready_is_ended(tmp_path: Path) -> None:
    script = Script("import time; time.sleep(600)", tmp_path, limit=0.2)
    with pytest.raises(ProgramError, match=r"The worker is not ready after 0.2 s"):
        await script.start()
    assert script.pid is None


async def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    class Missing(Script):
        def command(self) -> Sequence[str]:
            return [str(tmp_path / "nothing")]

    with pytest.raises(ProgramError, match="No such file or directory"):
        await Missing("", tmp_path).start()


async def test_the_youngest_is_ended_first(tmp_path: Path, told: list[str]) -> None:
    ended: list[str] = []

    class Noted(Script):
        async def stop(self, grace: float) -> None:
            await super().stop(grace)
            ended.append(self.name)

    async with supervising(told.append) as supervisor:
        for name in ("kafka", "model", "worker"):
            await supervisor.start(Noted(STEADY, tmp_path, name), grace=5)
    assert ended == ["worker", "model", "kafka"]


async def test_a_user_in_a_hurry_does_not_wait(tmp_path: Path, told: list[str]) -> None:
    stubborn = Script(STUBBORN, tmp_path)
    async with asyncio.timeout(10), supervising(told.append) as supervisor:
        await supervisor.start(stubborn, grace=600)
        asyncio.get_running_loop().call_later(0.1, supervisor.hurry)
    assert gone(stubborn.pids[0])


async def test_leaving_while_something_is_started_again_leaves_nothing(
    tmp_path: Path, told: list[str]
) -> None:
    script = Script(STEADY, tmp_path)
    async with supervising(told.append, Policy(first_pause=600, longest_pause=600)) as supervisor:
        await supervisor.start(script, grace=5)
        os.kill(script.pids[0], signal.SIGKILL)
        await until(lambda: told)
    assert script.pid is None


async def test_output_is_kept_and_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    code = "import os; os.write(1, b'\\xff\\xfe' + b'x' * 300000 + b'\\nready\\n'); " + STEADY
    script = Script(code, tmp_path)
    await script.start()
    await script.stop(5)
    text = script.log.path.read_text()
    assert text.count("x") == 300_000
    assert "\ufffd" in text
    assert script.last_words()[-1] == "ready"


async def test_a_web_program_serves_when_its_probe_answers_200(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-c", WEB, str(port)]
    probe = f"http://127.0.0.1:{port}/readyz"
    program = WebProgram("web", argv, probe, env=os.environ, log=tmp_path / "web.log")
    await program.start()
    await program.stop(5)
    assert program.log.path.read_text().count("503") == 2


async def test_the_rehearsal_keeps_its_port(tmp_path: Path, told: list[str]) -> None:
    argv = [sys.executable, "-c", REHEARSAL]
    program = RehearsalProgram(env=os.environ, log=tmp_path / "rehearsal.log", argv=argv)
    async with supervising(told.append, QUICK) as supervisor:
        await supervisor.start(program, grace=5)
        url = program.url
        assert url.startswith("http://127.0.0.1:")
        assert program.pid is not None
        os.kill(program.pid, signal.SIGKILL)
        await until(lambda: len(told) == 2)
        assert program.url == url


def test_a_log_begins_anew_and_keeps_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "worker.log"
    LogFile(path).write("before")
    log = LogFile(path, most_bytes=100)
    log.write("now")
    assert path.read_text() == "now\n"
    assert path.with_name("worker.log.1").read_text() == "before\n"
    for number in range(100):
        log.write(f"line {number}")
    sizes = [file.stat().st_size for file in path.parent.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 150
    assert log.last(2) == ["line 98", "line 99"]
    log.forget()
    assert log.last() == []


def test_a_log_that_cannot_be_written_costs_only_its_lines(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = LogFile(tmp_path / "file" / "worker.log")
    log.write("one")
    assert log.last() == ["one"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (-9, "was ended by SIGKILL"),
        (-42, "was ended by signal 42"),
    ],
)
def test_endings_are_told_in_words(code: int, words: str) -> None:
    assert ending(code) == words
