"""Running commands as a user does, and looking at what they told."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from faust.cli.base import cli

from aimesh.commands import register

OWN = ("AIMESH_", "KAFKA_", "OLLAMA_", "QDRANT_", "OTEL_", "NO_COLOR", "FORCE_COLOR")
AIMESH = ("-m", "aimesh")
FAUST = ("-m", "faust", "-A", "aimesh")


@dataclass(frozen=True)
class Told:
    """The exit code of a command, what it printed, and what it told on standard error."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return what it printed as JSON; it must have done well."""
        assert self.code == 0, self
        return json.loads(self.out)

    def failed(self, code: int) -> str:
        """Return what it told; it must have ended with a code, and not with a traceback."""
        assert self.code == code, self
        assert "Traceback" not in self.err + self.out, self
        return self.err


def environ(**own: str) -> dict[str, str]:
    """Return this process's environment with these of the mesh's variables and no others."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OWN)} | own


def invoke(*args: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Told:
    """Run a command in this process; for what ends before anything is asked for."""
    register()
    cleared = {k: None for k in os.environ if k.startswith(OWN)}
    found = CliRunner().invoke(
        cli, list(args), input=stdin, env={**cleared, **(env or {})}, prog_name="aimesh"
    )
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Told(found.exit_code, found.stdout, found.stderr)


async def aimesh(
    *args: str,
    env: Mapping[str, str],
    cwd: Path,
    stdin: bytes = b"",
    program: Sequence[str] = AIMESH,
    limit: float = 60.0,
) -> Told:
    """Run a command as a process of its own.

    Arguments:
        env: the mesh's variables.
        cwd: the folder that it runs in.
        stdin: what it may read.
        program: what comes before the arguments.
        limit: seconds that it may take.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, *args, env=environ(**env), cwd=cwd,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit):
            out, err = await process.communicate(stdin)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Told(process.returncode or 0, out.decode(), err.decode())
