"""`aimesh state`, `validate` and `watch`: the system, whether it is told right, what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from aimesh.commands.base import Run, command, url_option
from aimesh.commands.failures import DONE, FAILED
from aimesh.commands.output import Output
from aimesh.core.oracle.log import lines
from aimesh.core.text import printable
from aimesh.errors import UnavailableError

if TYPE_CHECKING:
    from aimesh.services.mesh_api import MeshApi

BASE = "/api/v1/oracle"
MODES = click.Choice(("auto", "labeled", "all", "telemetry"))
mode_option = click.option("--mode", default=None, type=MODES, help="Where agents are looked for.")


@command("state", example="aimesh state\naimesh state --json | jq .queues\naimesh state --summary")
@click.option("--summary", is_flag=True, help="Only counts, and what is wrong.")
@mode_option
@url_option
async def state(run: Run, summary: bool, mode: str | None, url: str) -> int:
    """Show the state of the whole system.

    That is agents, deployments, queues, models.
    """
    from aimesh.services.mesh_api import MeshApi

    form = "summary" if summary else "json"
    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        found = await api.get(f"{BASE}/state", format=form, mode=mode)
    if run.out.as_json:
        run.out.json(found)
    elif summary:
        issues = found.pop("issues")
        run.out.facts((name.replace("_", " "), value) for name, value in found.items())
        for issue in issues:
            run.out.line(f"{issue['severity']}: {printable(issue['title'])}", "yellow")
    else:
        _print(run.out, found)
    return DONE


def _print(out: Output, found: Mapping[str, Any]) -> None:
    rows = [(*name.split(" ", 1), printable(text)) for name, text in lines(found).items()]
    if rows:
        out.table(("what", "name", "how it is"), [[printable(c) for c in row] for row in rows])
    else:
        out.line("nothing was seen yet")


@command("validate", example="aimesh validate\naimesh validate --json")
@mode_option
@url_option
async def validate(run: Run, mode: str | None, url: str) -> int:
    """Hold the state to its schema.

    Ends with 1 and the places that do not fit.
    """
    from aimesh.services.mesh_api import MeshApi

    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        found = await api.get(f"{BASE}/validate", mode=mode)
    if run.out.as_json:
        run.out.json(found)
    elif found["valid"]:
        run.out.line("the state is as its schema says", "green")
    else:
        rows = [(e["path"] or "/", e["validator"], printable(e["message"]))
                for e in found["errors"]]  # fmt: skip
        run.out.table(("where", "rule", "what is wrong"), rows, wrap=True)
    return DONE if found["valid"] else FAILED


@command("watch", example="aimesh watch\naimesh watch --interval 5\naimesh watch --times 1 --json")
@click.option("--interval", default=2.0, type=click.FloatRange(min=0.2), show_default=True,
              help="Seconds between two looks.")  # fmt: skip
@click.option("--times", default=0, type=click.IntRange(min=0),
              help="End after so many looks; 0 for none.")  # fmt: skip
@mode_option
@url_option
async def watch(run: Run, interval: float, times: int, mode: str | None, url: str) -> int:
    """Show changes of the state as they come; Ctrl-C ends it."""
    from aimesh.services.mesh_api import MeshApi

    tag, looks = "", 0
    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        while True:
            tag = await _look(run.out, api, tag, mode)
            looks += 1
            if looks == times:
                return DONE
            await asyncio.sleep(interval)


async def _look(out: Output, api: MeshApi, tag: str, mode: str | None) -> str:
    """Print what has changed since a tag, and return the new one."""
    try:
        found = await api.get(f"{BASE}/state", format="log", since=tag, mode=mode)
    except UnavailableError as exc:
        if not tag:
            raise
        out.errors.note(exc.reason)
        return tag
    if out.as_json:
        if found["log"]:
            out.json(found)
    else:
        for line in found["log"].splitlines():
            out.line(f"{found['as_of']}  {printable(line)}")
    return str(found["etag"])
