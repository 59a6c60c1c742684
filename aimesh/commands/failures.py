"""Errors that Faust's command line tells in one line, whatever part of it they come up in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from aimesh.errors import MeshError, SandboxRefusedError, SettingsError, UnavailableError

DONE, FAILED, USAGE, MISSING = 0, 1, 2, 3


class ToldError(MeshError, click.ClickException):
    """The application cannot be made; click prints why, and ends with the exit code."""

    def __init__(self, cause: MeshError) -> None:
        click.ClickException.__init__(self, str(cause))
        self.exit_code = status_of(cause)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it as every error of a command is printed."""
        click.echo(f"aimesh: {self.message}", file=file, err=file is None)


@contextmanager
def told() -> Iterator[None]:
    """Have known errors inside the block told without a traceback, where a command line runs.

    Raises:
        ToldError: in place of any `MeshError`; it is one too.
    """
    try:
        yield
    except MeshError as exc:
        raise ToldError(exc) from exc


def status_of(exc: MeshError) -> int:
    """Return the exit code for an error."""
    if isinstance(exc, SettingsError):
        return USAGE
    return MISSING if isinstance(exc, UnavailableError | SandboxRefusedError) else FAILED
