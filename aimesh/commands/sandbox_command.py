"""``aimesh sandbox``: runs a Python file as the mesh would run a model's answer."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Limits, Outcome, Sandbox
from aimesh.settings import Settings

_PASSED, _FAILED, _USAGE, _MISSING = 0, 1, 2, 3


async def run_file(settings: Settings, source: str, as_json: bool, console: Console) -> int:
    """Run a file in the sandbox and print the verdict.

    Arguments:
        source: path of the file, or "-" for standard input.
        as_json: print the whole outcome as one JSON object.

    Returns:
        the exit code: 0 passed, 1 not passed, 2 no such file, 3 no sandbox to be had here.
    """
    try:
        code = _read(source)
    except OSError as error:
        console.print(f"{source}: {error.strerror}", style="red", markup=False)
        return _USAGE
    try:
        sandbox = Sandbox(
            Limits.from_settings(settings),
            mode=settings.sandbox,
            slots=1,
            scratch=settings.data / "sandbox",
        )
    except SandboxRefusedError as error:
        console.print(str(error), style="red", markup=False)
        return _MISSING
    try:
        outcome = await sandbox.run(code)
    finally:
        await sandbox.close()
    if as_json:
        console.print_json(json.dumps(dataclasses.asdict(outcome)))
    else:
        _print(outcome, sandbox.layers.safe, console)
    return _PASSED if outcome.success else _FAILED


def _read(source: str) -> bytes:
    return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()


def _print(outcome: Outcome, safe: bool, console: Console) -> None:
    console.print(outcome.output.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
    line = Text()
    line.append(outcome.verdict, style="bold green" if outcome.success else "bold red")
    facts = [outcome.limit and f"limit {outcome.limit}", outcome.error]
    if outcome.exit_code is not None:
        facts.append(f"exit code {outcome.exit_code}")
    if outcome.signal is not None:
        facts.append(f"signal {outcome.signal}")
    facts.append(f"{outcome.wall_s:.2f} s, CPU {outcome.cpu_s:.2f} s")
    facts.append(f"peak {outcome.max_rss_bytes / 2**20:.0f} MB")
    line.append("".join(f" · {fact}" for fact in facts if fact))
    console.print(line, soft_wrap=True)
    held = ", ".join(outcome.isolation)
    if safe:
        console.print(Text(f"held by {held}", style="dim"), soft_wrap=True)
    else:
        console.print(Text(f"UNSAFE: held by {held} alone", style="bold red"), soft_wrap=True)
