"""`aimesh lag` and `aimesh errors`: how the mesh is doing right now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimesh.commands.base import Run, command, url_option
from aimesh.commands.failures import DONE
from aimesh.core.crew import AGENTS
from aimesh.core.text import printable
from aimesh.hops import CREW

LAG_COLUMNS = ("role", "verdict", "lag", "behind", "trend", "open", "workers", "topic", "why")
ROLES = (
    *("consumer", "sandbox", "reviewer", "persistence", "memory"),
    *(f"{CREW}-{agent}" for agent in AGENTS),
)
TRENDS = {"up": "↑ up", "down": "↓ down", "flat": "→ flat"}


@command("lag", example="aimesh lag\naimesh lag --json --url http://127.0.0.1:6066")
@url_option
async def lag(run: Run, url: str) -> int:
    """Show how many messages wait at every hop, and why.

    Where a crew runs, its agents' queues are hops too.
    """
    from aimesh.services.mesh_api import MeshApi

    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        answer = await api.get("lag")
    if run.out.as_json:
        run.out.json(answer)
    elif answer["hops"]:
        run.out.table(LAG_COLUMNS, lag_rows(answer["hops"]))
    else:
        run.out.line("the governor has not measured anything yet")
    return DONE


def lag_rows(hops: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield a row of `LAG_COLUMNS` for each hop, in the order of a task's way."""
    order = {name: number for number, name in enumerate(ROLES)}
    for hop in sorted(hops, key=lambda hop: order.get(hop.get("role", ""), len(order))):
        behind = hop.get("lag_seconds")
        yield (
            hop.get("role"),
            hop.get("verdict"),
            hop.get("lag"),
            None if behind is None else f"{behind:.0f} s",
            TRENDS.get(hop.get("trend", ""), ""),
            hop.get("open"),
            hop.get("members"),
            hop.get("topic"),
            printable(str(hop.get("reason", ""))),
        )


@command("errors", example="aimesh errors\naimesh errors --json")
@url_option
async def errors(run: Run, url: str) -> int:
    """Show how many errors and warnings agents have told of."""
    from aimesh.services.mesh_api import MeshApi

    async with MeshApi(run.place(url).url, run.settings.api_token) as api:
        answer = await api.get("errors")
    if run.out.as_json:
        run.out.json(answer)
        return DONE
    told = answer["by_agent"]
    if not told:
        run.out.line("no agent has told of an error or a warning")
        return DONE
    rows = [(printable(a), n.get("errors", 0), n.get("warnings", 0)) for a, n in told.items()]
    rows.sort(key=lambda row: (-row[1], -row[2], row[0]))
    total = answer["total"]
    run.out.table(
        ("agent", "errors", "warnings"),
        [*rows, ("all", total.get("errors", 0), total.get("warnings", 0))],
    )
    return DONE
