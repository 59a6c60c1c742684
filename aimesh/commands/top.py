"""`aimesh top`: the whole mesh at a glance, again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from aimesh.commands.base import Run, command, url_option
from aimesh.commands.failures import DONE
from aimesh.commands.output import STYLES, Output, table
from aimesh.commands.tasks import COLUMNS as TASK_COLUMNS
from aimesh.commands.tasks import rows_of
from aimesh.commands.watch import LAG_COLUMNS, lag_rows
from aimesh.core.text import printable
from aimesh.core.timeline import seconds_between
from aimesh.errors import UnavailableError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aimesh.services.mesh_api import MeshApi

STAGE_COLUMNS = (
    "role",
    "worker",
    "at work",
    "slots",
    "open",
    "oldest",
    "done",
    "dead",
    "waits for",
)
TASKS_SHOWN = 12
SILENT = 30.0


@command("top", example="aimesh top\naimesh top --json | jq .state.governor")
@click.option("--interval", default=1.0, type=click.FloatRange(min=0.2), show_default=True,
              help="Seconds between two looks.")  # fmt: skip
@url_option
async def top(run: Run, interval: float, url: str) -> int:
    """Show the whole mesh live.

    Brake, hops, stages and newest tasks; Ctrl-C ends it. Where nobody looks at a terminal, it is
    shown once.
    """
    from aimesh.services.mesh_api import MeshApi

    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        seen = await _look(api)
        if run.out.as_json:
            run.out.json(seen)
        elif run.out.is_live:
            await _live(run.out, api, seen, interval)
        else:
            _print(run.out, seen)
    return DONE


async def _look(api: MeshApi) -> dict[str, Any]:
    state = await api.get("state")
    return {"state": state, "tasks": (await api.get("tasks", limit=TASKS_SHOWN))["tasks"]}


async def _live(out: Output, api: MeshApi, seen: dict[str, Any], interval: float) -> None:
    from rich.live import Live

    with Live(console=out.console, screen=True, auto_refresh=False) as live:
        problem = ""
        while True:
            live.update(_screen(seen, problem), refresh=True)
            await asyncio.sleep(interval)
            try:
                seen, problem = await _look(api), ""
            except UnavailableError as exc:
                problem = f"{exc.reason}; what is below is of {seen['state']['as_of']}"


def _headline(state: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what is to be known first, as names, values and styles."""
    governor, counts = state["governor"], state["counts"]
    facts = [("producer", f"{governor['state']}  {printable(str(governor['reason']))}",
              STYLES.get(governor["state"], ""))]  # fmt: skip
    model = state.get("model") or {}
    name = printable(str(model.get("name") or "-"))
    if model.get("rehearsal"):
        facts.append(("model", "REHEARSAL: answers come from a script", "bold yellow"))
    elif model.get("ok") is False:
        facts.append(("model", f"{name} is away: {printable(str(model.get('reason')))}", "red"))
    else:
        facts.append(("model", f"{name}, {state['tokens_per_minute']} tokens a minute", ""))
    memory = state.get("memory") or {}
    if memory.get("ok") is False:
        facts.append(("memory", f"off: {printable(str(memory.get('reason')))}", "yellow"))
    if (state.get("sandbox") or {}).get("unsafe"):
        facts.append(("sandbox", "UNSAFE: no layer holds the code", "bold red"))
    done = [f"{counts.get(n, 0)} {n.replace('_', ' ')}"
            for n in ("tasks", "reviewed", "passed", "failed", "dead_lettered")]  # fmt: skip
    facts.append(("so far", ", ".join([*done, f"{state['in_flight']} in flight"]), ""))
    return facts


def _stage_rows(state: dict[str, Any]) -> list[tuple[Any, ...]]:
    # a worker that is gone says nothing any more
    fresh = [s for s in state["stages"] if seconds_between(s["at"], state["as_of"]) < SILENT]
    stages = sorted(fresh, key=lambda stage: (stage["role"], stage["worker"]))
    rows = []
    for stage in stages:
        counts = stage.get("counts") or {}
        rows.append(
            (
                stage["role"],
                printable(stage["worker"])[-12:],
                stage.get("running"),
                stage.get("slots"),
                stage.get("open"),
                f"{stage['oldest_s']:.0f} s" if stage.get("open") else None,
                counts.get("done", 0),
                counts.get("dead", 0),
                printable(stage.get("waiting") or "") or None,
            )
        )
    return rows


def _screen(seen: dict[str, Any], problem: str) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    state = seen["state"]
    head = Table.grid(padding=(0, 2))
    for name, value, style in _headline(state):
        head.add_row(Text(name, style="dim"), Text(value, style=style))
    parts: list[RenderableType] = [Text(f"! {problem}", style="bold red")] if problem else []
    parts += [
        head,
        table(LAG_COLUMNS, lag_rows(state["hops"]), title="hops"),
        table(STAGE_COLUMNS, _stage_rows(state), title="stages"),
        table(TASK_COLUMNS, rows_of(seen["tasks"], state["as_of"]), title="tasks"),
    ]
    return Group(*parts)


def _print(out: Output, seen: dict[str, Any]) -> None:
    state = seen["state"]
    out.facts((name, value) for name, value, _ in _headline(state))
    for columns, rows in (
        (LAG_COLUMNS, list(lag_rows(state["hops"]))),
        (STAGE_COLUMNS, _stage_rows(state)),
        (TASK_COLUMNS, list(rows_of(seen["tasks"], state["as_of"]))),
    ):
        out.line()
        out.table(columns, rows)
