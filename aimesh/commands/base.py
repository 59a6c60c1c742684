"""What all commands share: how they are registered, run, and end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import cli

from aimesh.commands import place
from aimesh.commands.failures import status_of
from aimesh.commands.output import Output
from aimesh.errors import MeshError
from aimesh.settings import Settings

if TYPE_CHECKING:
    from aimesh.services.reading import Brokers


INTERRUPTED = 130

url_option = click.option(
    "--url", default="", metavar="URL", help="Address of the mesh's web, when not on this machine."
)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def examples(lines: str) -> str:
    """Return the end of a command's help, with command lines that work."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines.splitlines())


class Run:
    """What a command has to work with: settings, where the mesh is, where to print."""

    def __init__(self, *, as_json: bool) -> None:
        self.out = Output(as_json=as_json)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the environment.

        Raises:
            SettingsError: one of them cannot be used.
        """
        return Settings.from_env()

    def place(self, url: str = "") -> place.Place:
        """Return where the mesh is; ``url`` is what the user said of that."""
        return place.find(self.settings, url)

    @cached_property
    def brokers(self) -> Brokers:
        """How to reach the mesh's Kafka."""
        return place.brokers(self.settings)


Body = Callable[..., Awaitable[int]]


def command(
    name: str, *, example: str, group: click.Group = cli, facts: bool = True
) -> Callable[[Body], Body]:
    """Register a coroutine function as a command; its docstring is the help.

    Arguments:
        name: what the user types.
        example: command lines that work, shown at the end of the help.
        group: what the command belongs to.
        facts: whether it prints facts, and so takes ``--json``.
    """

    def register(body: Body) -> Body:
        @wraps(body)
        def entry(ctx: click.Context, as_json: bool = False, **given: Any) -> None:
            ctx.exit(perform(body, Run(as_json=as_json or wants_json(ctx)), **given))

        callback: Any = entry
        if facts:
            callback = json_option(callback)
        register_it = group.command(name, help=body.__doc__, epilog=examples(example))
        register_it(click.pass_context(callback))
        return body

    return register


def wants_json(ctx: click.Context) -> bool:
    """Tell whether ``--json`` stood before the command, where Faust takes it."""
    return bool(getattr(ctx.obj, "json", False))


def perform(body: Body, run: Run, **given: Any) -> int:
    """Run a command to its end and return its exit code; known errors are told in one line."""
    # what should be known is told by the command, not by whatever the libraries log
    for name in ("aimesh", "aiokafka"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        return asyncio.run(_awaited(body(run, **given)))
    except MeshError as exc:
        click.echo(f"aimesh: {exc}", err=True)
        return status_of(exc)
    except KeyboardInterrupt:
        return INTERRUPTED


async def _awaited(body: Awaitable[int]) -> int:
    return await body
