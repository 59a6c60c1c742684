"""`aimesh dead-letters`: what could never be worked on, and the way back for it."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click
from faust.cli.base import cli

from aimesh.commands.base import Run, command, examples, json_option, perform, wants_json
from aimesh.commands.failures import DONE, FAILED
from aimesh.core.redriving import LIMIT
from aimesh.core.text import printable
from aimesh.errors import MeshError

COLUMNS = ("id", "at", "from", "role", "replays", "task id", "sent back", "why")


@cli.group(
    "dead-letters",
    invoke_without_command=True,
    epilog=examples("aimesh dead-letters\naimesh dead-letters redrive --all --dry-run"),
)
@json_option
@click.pass_context
def dead_letters(ctx: click.Context, as_json: bool) -> None:
    """Look at dead letters, and send them back.

    Without a command of its own, it lists them.
    """
    if ctx.invoked_subcommand is None:
        ctx.exit(perform(list_letters, Run(as_json=as_json or wants_json(ctx)), limit=20))


@command(
    "list",
    example="aimesh dead-letters list\naimesh dead-letters list --limit 500 --json",
    group=dead_letters,
)
@click.option("--limit", default=20, type=click.IntRange(1, 1000), show_default=True)
async def list_letters(run: Run, limit: int) -> int:
    """List the newest dead letters, and why each died."""
    from aimesh.services.dead_letters import DeadLetters

    letters = await DeadLetters(run.brokers, run.settings).newest(limit)
    found = [letter.summary() for letter in letters]
    if run.out.as_json:
        run.out.json({"dead_letters": found})
    elif not found:
        run.out.line("there are no dead letters")
    else:
        rows = [
            (f["id"], f["at"], printable(f["origin"]) or "-", printable(f["role"]) or "-",
             f["replay_count"], printable(f["task_id"]), bool(f["redriven"]),
             f["error"].replace("\n", " ")[:200])
            for f in found
        ]  # fmt: skip
        run.out.table(COLUMNS, rows)
    return DONE


@command("show", example="aimesh dead-letters show 0-0", group=dead_letters)
@click.argument("letter_id", metavar="ID")
async def show(run: Run, letter_id: str) -> int:
    """Show one dead letter.

    Its headers, and its value as text and in hexadecimal digits.
    """
    from aimesh.services.dead_letters import DeadLetters

    letter = (await DeadLetters(run.brokers, run.settings).get(letter_id)).whole()
    if run.out.as_json:
        run.out.json(letter)
        return DONE
    out = run.out
    names = ("id", "at", "task_id", "origin", "origin_at", "role", "error_type", "error", "key",
             "replay_count", "size")  # fmt: skip
    out.facts((name.replace("_", " "), letter[name]) for name in names)
    if letter["redriven"]:
        out.facts([("sent back", "{at} as {to}".format(**letter["redriven"]))])
    for title, body in (
        ("headers", "\n".join(f"{n}: {v}" for n, v in letter["headers"].items())),
        ("text" if letter["shown"] == letter["size"] else "text (its beginning)", letter["text"]),
        ("bytes", letter["hex"]),
    ):
        out.line(f"\n-- {title}", "dim")
        out.line(body)
    return DONE


@command(
    "redrive",
    example="aimesh dead-letters redrive --all --dry-run\naimesh dead-letters redrive 0-0 --yes",
    group=dead_letters,
)
@click.argument("letter_ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="In spite of the limit.")
@click.option("--limit", default=LIMIT, type=click.IntRange(min=0), show_default=True,
              help="The most times that a message is sent back.")  # fmt: skip
async def redrive(
    run: Run,
    letter_ids: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    yes: bool,
    force: bool,
    limit: int,
) -> int:
    """Send dead letters back to where they came from, each once.

    The message goes back as it was, with the next replay count, and so is a new job for every
    stage. Ends with 1 where one that was named is not sent back.
    """
    if bool(letter_ids) == everything:
        raise click.UsageError("name the letters, or say --all")
    from aimesh.services.dead_letters import DeadLetters

    letters = DeadLetters(run.brokers, run.settings)
    ids = list(letter_ids) or None
    planned = await letters.redrive(ids, limit=limit, force=force, dry_run=True)
    going = [plan for plan in planned if not plan.refusal]
    if going and not (dry_run or yes):
        _confirm(len(going))
    done = planned
    if going and not dry_run:
        # exactly those that were agreed to, whatever has come since
        sent = await letters.redrive([p.id for p in going], limit=limit, force=force)
        done = [*sent, *(plan for plan in planned if plan.refusal)]
    if run.out.as_json:
        run.out.json({"dry_run": dry_run, "redriven": [asdict(item) for item in done]})
    else:
        for item in done:
            what = item.refusal and f"not sent back: {item.refusal}"
            what = what or (f"sent back as {item.to}" if item.to else "would be sent back")
            replay = "" if item.refusal else f", replay {item.replay_count}"
            run.out.line(f"{item.id}  {printable(item.task_id)}  {what}{replay}")
        run.out.line(f"{sum(not i.refusal for i in done)} of {len(done)}"
                     f" {'would be ' if dry_run else ''}sent back")  # fmt: skip
    return FAILED if ids and any(item.refusal for item in done) else DONE


def _confirm(count: int) -> None:
    """Ask before anything is sent, where there is somebody to ask.

    Raises:
        MeshError: nobody agreed.
    """
    if not sys.stdin.isatty():
        raise MeshError("nothing was sent back: say --yes, since there is nobody to ask")
    if not click.confirm(f"Send {count} dead letter{'s' * (count != 1)} back?", err=True):
        raise MeshError("nothing was sent back")
