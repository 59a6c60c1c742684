"""`aimesh up`, `doctor` and `sandbox`: what this machine does by itself."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace

import click

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE, FAILED

WORDS = {True: "ok", False: "PROBLEM", None: "-"}


@command("up", example="aimesh up\nAIMESH_DATA=/tmp/mesh aimesh up --fresh", facts=False)
@click.option("--fresh", is_flag=True, help="Delete everything in the data folder first.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
async def up(run: Run, fresh: bool, yes: bool) -> int:
    """Run everything on this machine.

    That is Kafka, a model, memory, and a worker with all roles. Ctrl-C stops all of it. Other
    commands in the same folder find it by themselves.
    """
    from aimesh.commands.up import up as start

    def confirm(question: str) -> bool:
        return yes or (sys.stdin.isatty() and click.confirm(question))

    return await start(run.settings, fresh=fresh, console=run.out.console, confirm=confirm)


@command("doctor", example="aimesh doctor\naimesh doctor --json")
async def doctor(run: Run) -> int:
    """Check what the mesh needs, and say what to do.

    Ends with 1 where something is not as it should be.
    """
    from aimesh.services import doctor as looking

    settings, place = run.settings, run.place()
    if place.kafka_from == "aimesh up":
        settings = replace(settings, kafka=place.kafka)
    checks = await looking.checks(settings)
    well = all(check.ok is not False for check in checks)
    if run.out.as_json:
        run.out.json({"ok": well, "checks": [asdict(check) for check in checks]})
    else:
        rows = [(WORDS[c.ok], c.name, c.detail) for c in checks]
        run.out.table(("", "what", "found"), rows, wrap=True)
        for check in checks:
            if check.remedy:
                run.out.line(f"{check.name}: {check.remedy}", "yellow")
    return DONE if well else FAILED


@command(
    "sandbox", example="echo 'print(6 * 7)' | aimesh sandbox -\naimesh sandbox answer.py --json"
)
@click.argument("file", metavar="FILE|-")
async def sandbox(run: Run, file: str) -> int:
    """Run a Python file as the mesh runs a model's answer.

    Ends with 0 only where it passed.
    """
    from aimesh.commands.sandbox_command import run_file

    return await run_file(run.settings, file, run.out.as_json, run.out.console)
