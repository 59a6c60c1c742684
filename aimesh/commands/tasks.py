"""`aimesh tasks` and `aimesh task`: what is known of tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import click

from aimesh.commands.base import Run, command, url_option
from aimesh.commands.failures import DONE
from aimesh.core.text import printable
from aimesh.core.timeline import age, seconds_between, timeline

OUTCOMES = ("in_flight", "reviewed", "dead_lettered")
COLUMNS = ("task id", "outcome", "success", "attempts", "age", "task")
MOST_AT_ONCE = 200
MOST_TEXT = 120


@command(
    "tasks",
    example="aimesh tasks --outcome in_flight\naimesh tasks --limit 500 --json",
)
@click.option("--outcome", type=click.Choice(OUTCOMES), help="Only tasks with this outcome.")
@click.option("--limit", default=20, type=click.IntRange(1, 500), show_default=True)
@url_option
async def tasks(run: Run, outcome: str | None, limit: int, url: str) -> int:
    """List the newest tasks, and how far each is."""
    found, as_of = await _listed(run, url, outcome, limit)
    if run.out.as_json:
        run.out.json({"tasks": found, "as_of": as_of})
    elif found:
        run.out.table(COLUMNS, rows_of(found, as_of))
    else:
        run.out.line("there are no such tasks" if outcome else "there are no tasks yet")
    return DONE


async def _listed(
    run: Run, url: str, outcome: str | None, limit: int
) -> tuple[list[dict[str, Any]], str]:
    from aimesh.services.mesh_api import MeshApi

    found: list[dict[str, Any]] = []
    cursor = as_of = ""
    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        while True:
            number = min(MOST_AT_ONCE, limit - len(found))
            page = await api.get("tasks", limit=number, outcome=outcome, cursor=cursor)
            found, as_of = found + page["tasks"], as_of or page["as_of"]
            cursor = page["next_cursor"]
            if not cursor or len(found) >= limit:
                return found, as_of


def rows_of(found: list[dict[str, Any]], as_of: str) -> Iterator[tuple[Any, ...]]:
    """Yield a row of `COLUMNS` for each task."""
    for state in found:
        lines = printable(state.get("task") or "").splitlines()
        yield (
            printable(state["task_id"]),
            state["outcome"],
            (state.get("review") or {}).get("success"),
            len(state.get("attempts", {})),
            age(seconds_between(state.get("first_at", ""), as_of)),
            lines[0][:MOST_TEXT] if lines else "",
        )


@command("task", example="aimesh task x-ai_topic-0-0\naimesh task x-ai_topic-0-0 --json")
@click.argument("task_id")
@url_option
async def task(run: Run, task_id: str, url: str) -> int:
    """Show what happened to one task.

    Every attempt, what came of it and when, and where it is in Kafka.
    """
    from aimesh.services.mesh_api import MeshApi

    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        answer = await api.get(f"tasks/{quote(task_id, safe='')}")
    state = answer["task"]
    if run.out.as_json:
        run.out.json(answer)
        return DONE
    print_task(run, state)
    return DONE


def print_task(run: Run, state: Mapping[str, Any]) -> None:
    """Print a task with its steps."""
    out, first = run.out, str(state.get("first_at", ""))
    out.facts(
        [
            ("task", printable(state["task_id"])),
            ("outcome", state["outcome"]),
            ("asked by", state.get("source") or "outside"),
            ("first seen", first),
            ("took", f"{seconds_between(first, str(state.get('updated_at', ''))):.1f} s"),
        ]
    )
    out.line()
    out.line(printable(state.get("task") or ""))
    out.line()
    rows = [
        (f"+{seconds_between(first, step.at):.1f} s", step.attempt, step.who, step.ref,
         printable(step.what))
        for step in timeline(state)
    ]  # fmt: skip
    out.table(("when", "attempt", "who", "where", "what"), rows, wrap=True)
