"""What the command line as a whole says of itself."""

from __future__ import annotations

import click
import faust
from faust.cli.base import cli

from aimesh.commands.base import examples
from aimesh.version import __version__

HELP = """AI-Mesh: agents that write, run and review Python, on Kafka.

`aimesh up` runs everything on this machine, `aimesh submit --wait TEXT` gives it a task, and
`aimesh audit` proves that nothing was lost. `faust -A aimesh` is the same command line.

Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 a needed service is not there.
"""


# for the help of Faust's commands
_EXAMPLES = {
    "agents": "aimesh agents\naimesh agents --json",
    "completion": 'eval "$(aimesh completion bash)"',
    "model": "aimesh model Task\naimesh --json model Verdict",
    "models": "aimesh models",
    "send": """aimesh send ai_topic '{"task": "Write a function that reverses a list."}'""",
    "tables": "aimesh tables --json",
    "worker": "aimesh worker --loglevel info\nAIMESH_ROLES=consumer,sandbox aimesh worker",
}
# they look after one Faust application alone, and a mesh has one for each role
_HIDDEN = ("clean-versions", "livecheck", "reset")


def dress() -> None:
    """Have the group tell of the mesh instead of Faust; again it changes nothing."""
    cli.help = HELP
    for name, lines in _EXAMPLES.items():
        cli.commands[name].epilog = examples(lines)
    for name in _HIDDEN:
        cli.commands[name].hidden = True
    version = click.version_option(
        __version__, message=f"AI-Mesh %(version)s (Faust {faust.__version__})"
    )

    @version
    def bare() -> None:
        """Carries the option."""

    [option] = bare.__click_params__  # type: ignore[attr-defined]
    cli.params = [option if param.name == "version" else param for param in cli.params]
