"""The command line, a module for each group of commands."""

from __future__ import annotations

import importlib

# Faust's own commands first, since some of ours take their places
_MODULES = (
    "faust.cli.faust",
    "aimesh.commands.faust_commands",
    "aimesh.commands.machine",
    "aimesh.commands.submit",
    "aimesh.commands.crew",
    "aimesh.commands.sample_agent",
    "aimesh.commands.stress",
    "aimesh.commands.tasks",
    "aimesh.commands.watch",
    "aimesh.commands.top",
    "aimesh.commands.audit",
    "aimesh.commands.dead_letters",
    "aimesh.commands.config",
    "aimesh.commands.diagnose",
    "aimesh.commands.state",
)


def register() -> None:
    """Put the mesh's commands on Faust's command line; again it does nothing."""
    for module in _MODULES:
        importlib.import_module(module)
    from aimesh.commands.front import dress

    dress()
