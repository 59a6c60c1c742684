"""Runs an attack as one would who takes no care: nothing holds it.

It proves that each attack works, so that being held means something.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import select
import signal
import subprocess
import time
from pathlib import Path

from aimesh.services.sandbox.machine import interpreter
from tests.escape.outside import CANARY, Outside

_OUTPUT = 1 << 20
_MEMORY = 200 << 20
# so that a control run cannot take the whole machine
_MOST_MEMORY = 8 << 30
_REPOSITORY = Path(__file__).parents[2]


def run_freely(source: str, outside: Outside, wall_s: float) -> tuple[set[str], str]:
    """Run an attack with nothing to hold it; blocks until it has ended or was ended.

    Arguments:
        source: the attack.
        outside: what it aims at.
        wall_s: after how long it is ended.

    Returns:
        the effects seen in the run itself, and its output.
    """
    folder = outside.folder / "cwd"
    folder.mkdir()
    script = outside.folder / "attack.py"
    script.write_text(source, errors="surrogatepass")
    with outside.secret.open() as held:
        process = _start(script, folder, outside.id, held.fileno())
    try:
        seen, output = _follow(process, wall_s)
        if _peak_memory(outside.id) > _MEMORY:
            seen.add("memory")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    if _end_those_left(outside.id):
        seen.add("left")
    if any(folder.glob("core*")):
        seen.add("core")
    return seen, output


def in_output(data: str) -> set[str]:
    """The effects that output shows."""
    seen = set()
    if "ESCAPE:" in data:
        seen.add("printed")
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", data):
        seen.add("control-characters")
    return seen


def _start(script: Path, folder: Path, mark: str, held: int) -> subprocess.Popen[bytes]:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, resource.RLIM_INFINITY))

    python = [interpreter().executable, "-B", "-S", "-u", str(script)]
    return subprocess.Popen(
        # a parent of its own, which may be sent signals
        ["/bin/sh", "-c", '"$@"; exit $?', "sh", *python],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={
            "SBX_CANARY_TOKEN": CANARY,
            "SBX_MARK": mark,
            "PYTHONPATH": str(_REPOSITORY),
            "PATH": "/usr/bin:/bin",
        },
        pass_fds=(held,),
        start_new_session=True,
        preexec_fn=bound,
    )


def _follow(process: subprocess.Popen[bytes], wall_s: float) -> tuple[set[str], str]:
    assert process.stdout is not None
    fd, output, seen = process.stdout.fileno(), b"", set()
    until = time.monotonic() + wall_s
    open_still = True
    while process.poll() is None and len(output) <= _OUTPUT and time.monotonic() < until:
        ready = select.select([fd] if open_still else [], [], [], 0.02)[0]
        piece = os.read(fd, 1 << 16) if ready else None
        output += piece or b""
        open_still = open_still and piece != b""
    while len(output) <= _OUTPUT and select.select([fd], [], [], 0)[0]:
        piece = os.read(fd, 1 << 16)
        output += piece
        if not piece:
            break
    if len(output) > _OUTPUT:
        seen.add("output")
    elif process.poll() is None:
        seen.add("overtime")
    elif process.returncode < 0:
        seen.add("signal")
    elif process.returncode > 128:  # as a shell tells that a signal ended it
        seen.add("crashed")
    text = output.decode("utf-8", "replace")
    return seen | in_output(text), text


def _marked(mark: str) -> list[int]:
    wanted = f"SBX_MARK={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def _peak_memory(mark: str) -> int:
    peaks = [0]
    for pid in _marked(mark):
        with contextlib.suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            peaks.append(int(found[1]) * 1024 if found else 0)
    return max(peaks)


def _end_those_left(mark: str) -> bool:
    """Whether a process outlived its group, which is killed by now; it is ended then."""
    until = time.monotonic() + 1
    while left := _marked(mark):
        if time.monotonic() > until:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return True
        time.sleep(0.02)
    return False
