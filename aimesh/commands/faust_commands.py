"""Faust's own commands where one worker hosts many applications: they list those of every role."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import click
from click.shell_completion import get_completion_class
from faust.cli import agents as faust_agents
from faust.cli import models as faust_models
from faust.cli import tables as faust_tables
from faust.cli import worker as faust_worker
from faust.cli.base import AppCommand, cli, option
from faust.types import AgentT
from mode import Worker

from aimesh.errors import MeshError

SHELLS = ("bash", "zsh", "fish")
_JSON = option("--json", "as_json", is_flag=True, show_default=False, help="Print JSON.")


def _apps(command: AppCommand) -> Iterator[Any]:
    """Yield the root application and that of every role."""
    yield command.app
    yield from getattr(command.app, "roles", {}).values()


class agents(faust_agents.agents):
    """List the agents of all roles."""

    options = [*(faust_agents.agents.options or []), _JSON]  # noqa: RUF012 - as Faust has it

    async def run(self, local: bool, as_json: bool) -> None:  # type: ignore[override]
        """Print them."""
        self.json = self.json or as_json
        await super().run(local=local)

    def agents(self, *, local: bool = False) -> Sequence[AgentT[Any]]:
        """Return them by name."""
        found = [agent for app in _apps(self) for agent in app.agents.values()]
        named = sorted(found, key=lambda agent: str(agent.name))
        return [agent for agent in named if local or self._maybe_topic(agent)]

    def _help(self, agent: AgentT[Any]) -> str:
        # a partial's own docstring says nothing of what it calls
        function = getattr(agent.fun, "func", agent.fun)
        lines = (function.__doc__ or "").strip().splitlines()
        return lines[0] if lines else "<N/A>"


class tables(faust_tables.tables):
    """List the tables of all roles."""

    options = [_JSON]  # noqa: RUF012

    async def run(self, as_json: bool) -> None:  # type: ignore[override]
        """Print them."""
        self.json = self.json or as_json
        rows = [
            (f"{app.conf.id}-{table.name}", table.help or faust_tables.DEFAULT_TABLE_HELP)
            for app in _apps(self)
            for table in app.tables.values()
        ]
        self.say(self.tabulate(rows, title=self.title, headers=["name", "help"]))


class models(faust_models.models):
    """List the records that travel on the topics."""

    options = [*(faust_models.models.options or []), _JSON]  # noqa: RUF012

    async def run(self, *, builtins: bool, as_json: bool) -> None:  # type: ignore[override]
        """Print them."""
        self.json = self.json or as_json
        await super().run(builtins=builtins)


class worker(faust_worker.worker):
    """Run a worker with the roles of AIMESH_ROLES.

    All of them where it is not set.
    """

    def on_worker_created(self, worker: Worker) -> None:
        """Have known errors that keep it from starting told in one line."""
        super().on_worker_created(worker)
        worker.log.logger.addFilter(_told)


def _told(record: logging.LogRecord) -> bool:
    """Leave the traceback of a known error out of the log: its message says what to do."""
    problem = record.exc_info[1] if record.exc_info else None
    if isinstance(problem, MeshError):
        record.msg, record.args, record.exc_info = str(problem), None, None
    return True


@cli.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), default="bash")
def completion(shell: str) -> None:
    """Print what makes a shell complete commands and options."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "aimesh", "_AIMESH_COMPLETE").source())
