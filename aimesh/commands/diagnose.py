"""`aimesh diagnose`: what is wrong, what it comes from, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from aimesh.commands.base import Run, command, url_option
from aimesh.commands.failures import DONE, FAILED
from aimesh.commands.output import Output
from aimesh.core.text import numbered, printable

PATH = "/api/v1/claude/diagnose"
STYLES = {
    "critical": "bold red",
    "error": "red",
    "warning": "yellow",
    "info": "",
    "degraded": "yellow",
    "healthy": "green",
}
FOLLOWING = 8


@command(
    "diagnose",
    example="aimesh diagnose\naimesh diagnose --json | jq .issues.items[0]\n"
    "aimesh diagnose --prompt --budget 800",
)
@click.option("--minutes", default=15, type=click.IntRange(1, 60), show_default=True,
              help="How far back to look.")  # fmt: skip
@click.option("--prompt", "as_prompt", is_flag=True, help="Print text for a language model.")
@click.option("--budget", default=2000, type=click.IntRange(100, 100_000), show_default=True,
              help="Tokens that this text may have.")  # fmt: skip
@url_option
async def diagnose(run: Run, minutes: int, as_prompt: bool, budget: int, url: str) -> int:
    """Say what is wrong, the cause first.

    Ends with 0 where the mesh is healthy, with 1 where it is not.
    """
    from aimesh.services.mesh_api import MeshApi

    asked: dict[str, Any] = {"time_window_minutes": minutes}
    if as_prompt:
        asked |= {"format": "prompt", "budget_tokens": budget}
    place = run.place(url)
    async with MeshApi(place.url, run.settings.api_token) as api:
        found = await api.get(PATH, **asked)
    status = found["system_status"] if as_prompt else found["metadata"]["system_status"]
    if run.out.as_json:
        run.out.json(found)
    elif as_prompt:
        run.out.line(found["content"].rstrip())
    else:
        _print(run.out, found, place.url)
    return DONE if status == "healthy" else FAILED


def _print(out: Output, found: Mapping[str, Any], url: str) -> None:
    meta, items = found["metadata"], found["issues"]["items"]
    out.line(f"the mesh is {meta['system_status']}", STYLES.get(meta["system_status"], ""))
    if unread := meta["unread_errors"]:
        out.line(f"{unread} errors have not been read yet: there may be more", "yellow")
    titles = {item["id"]: item["title"] for item in items}
    causes = [item for item in items if item["is_cause"]]
    for number, item in enumerate(causes, 1):
        out.line()
        _cause(out, number, item, titles)
    if any("$AIMESH_URL" in command for item in causes for command in item["commands"]):
        out.line(f"\nAIMESH_URL={url}", "dim")


def _cause(out: Output, number: int, item: Mapping[str, Any], titles: Mapping[str, str]) -> None:
    style = STYLES.get(item["severity"], "")
    out.line(f"{number}. {item['severity'].upper()}  {printable(item['title'])}", style)
    out.line(f"   {printable(item['description'])}")
    times = numbered(item["count"], "time")
    out.line(f"   since {item['first_seen']}, last {item['last_seen']}, {times}")
    if item["affected_agents"]:
        out.line(f"   affects: {printable(', '.join(item['affected_agents']))}")
    if item["evidence"]:
        out.line(f"   see: {printable(', '.join(item['evidence'][:3]))}")
    explained = [titles[name] for name in item["explains"] if name in titles]
    for title in explained[:FOLLOWING]:
        out.line(f"   explains: {printable(title)}", "dim")
    if len(explained) > FOLLOWING:
        out.line(f"   explains {len(explained) - FOLLOWING} more", "dim")
    for action in item["suggested_actions"]:
        out.line(f"   do: {printable(action)}")
    if item["next_command"]:
        out.line(f"   next: {printable(item['next_command'])}", "bold")
