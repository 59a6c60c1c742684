"""`aimesh audit`: proves that nothing is lost and nothing is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE, FAILED
from aimesh.core.text import printable

if TYPE_CHECKING:
    from aimesh.services.audit import Audited, Progress

MOST_SHOWN = 20


@command("audit", example="aimesh audit\naimesh audit --json | jq .balanced")
@click.option(
    "--archive",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The CSV file, where it is not in the data folder.",
)
@click.option("--no-archive", is_flag=True, help="Leave the archive out, as it is elsewhere.")
async def audit(run: Run, archive: Path | None, no_archive: bool) -> int:
    """Prove that no task is lost and none is there twice.

    Every task must be reviewed with its row in the archive, dead-lettered or in flight. Reads all
    topics and the archive from their beginning, on a mesh that runs or one that does not. Ends
    with 1 where anything does not balance.
    """
    if archive and no_archive:
        raise click.UsageError("--archive and --no-archive exclude each other")
    from aimesh.services.audit import audit as prove

    path = None if no_archive else archive or run.settings.history
    with _progress(run) as progress:
        audited = await prove(run.brokers, run.settings, archive=path, progress=progress)
    if run.out.as_json:
        run.out.json(audited.stable())
    else:
        _print(run, audited, path)
    return DONE if audited.report.balanced else FAILED


@contextmanager
def _progress(run: Run) -> Iterator[Progress]:
    """Show how far it is, where somebody looks at a terminal."""
    if run.out.as_json or not run.out.errors.console.is_terminal:
        yield lambda what, *, total=0, passed=0: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("reading {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=run.out.errors.console, transient=True) as bar:
        ids: dict[str, Any] = {}

        def progress(what: str, *, total: int = 0, passed: int = 0) -> None:
            if what not in ids:
                ids[what] = bar.add_task(what, total=total or None)
            bar.update(ids[what], advance=passed)

        yield progress


def _print(run: Run, audited: Audited, path: Path | None) -> None:
    out, report = run.out, audited.report
    parts = (report.reviewed, report.dead_lettered, report.in_flight)
    holding = ", ".join(f"{n} with the {role}" for role, n in report.in_flight_at.items())
    out.facts(
        [
            ("tasks in", report.tasks_in),
            ("reviewed", report.reviewed),
            ("dead-lettered", report.dead_lettered),
            ("in flight", f"{report.in_flight} ({holding})" if holding else report.in_flight),
            ("rows in the archive", "not looked at" if report.rows is None else report.rows),
            ("duplicates absorbed", report.duplicates_absorbed),
            ("other dead letters", report.other_dead_letters),
        ]
    )
    out.line()
    for topic, ends in audited.read_up_to.items():
        out.line(f"read {topic} up to {', '.join(map(str, ends.values()))}", "dim")
    out.line()
    for problem in report.problems[:MOST_SHOWN]:
        out.line(f"{printable(problem.task_id)}  {problem.kind}: {problem.why}", "red")
    if (more := len(report.problems) - MOST_SHOWN) > 0:
        out.line(f"… and {more} more, all of them with --json", "red")
    if path and not report.rows and any(p.kind == "row_missing" for p in report.problems):
        hint = f"{path} has no rows: name the archive with --archive, or leave it out: --no-archive"
        out.errors.note(hint)
    sums = " + ".join(map(str, parts))
    if report.balanced:
        out.line(f"balanced: {report.tasks_in} = {sums}", "bold green")
    else:
        sign = "=" if report.tasks_in == sum(parts) else "≠"
        count = len(report.problems)
        out.line(
            f"NOT BALANCED: {report.tasks_in} {sign} {sums}, {count} problem{'s' * (count != 1)}",
            "bold red",
        )
