"""Five hops without work, through each of several systems, side by side on the same machine.

    python -m bench.pipeline [--rounds N] [--only NAME] [--short] [--json]

Every contender moves tasks from topic to topic with one worker, all on the same Kafka (Celery on a
Redis that keeps a log), one after the other, round by round:
- latency: tasks at a low rate, from putting one in to its coming out after the last hop,
- throughput: a burst, from the first put in to the last out, with the processor time for it,
- a burst in which the worker is killed with SIGKILL and started again at once: which tasks never
  come out, which come out more than once, and how long nothing comes.

Group sessions last 6 s for all on Kafka, so that none is slow to come back for a default of its
own; Celery's visibility timeout is 10 s instead of its hour. Everything else is as each comes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.figures import machine, ratio, spreads
from bench.pipeline.contenders import CONTENDERS, OURS, Contender
from bench.pipeline.field import field
from bench.pipeline.trials import Plan

WIRE = "Kafka alone"
SHORT = Plan(burst=0.5, low_tasks=10, kill_tasks=200, patience=20.0, settling=2.0)
COLUMNS = {
    "tasks_per_s": "tasks/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_ms_per_task": "CPU ms/task",
    "broker_cpu_ms_per_task": "broker's",
    "lost": "lost",
    "doubled": "doubled",
    "back_s": "back after s",
    "start_s": "start s",
}


async def compare(contenders: Sequence[Contender], plan: Plan, rounds: int) -> dict[str, Any]:
    """Measure all contenders that can be had, round by round, and return what was found."""
    skipped = {c.name: reason for c in contenders if (reason := c.missing())}
    able = [c for c in contenders if c.name not in skipped]
    facts = machine()
    found: dict[str, list[dict[str, float]]] = {
        name: [] for name in (WIRE, *(c.name for c in able))
    }
    async with field(plan, any(c.is_on_redis for c in able)) as the_field:
        for number in range(rounds):
            found[WIRE].append(await the_field.wire())
            for contender in able:
                print(f"round {number + 1}: {contender.name}", file=sys.stderr)
                found[contender.name].append(await the_field.round(contender))
    return {
        "machine": facts,
        "plan": asdict(plan),
        "rounds": rounds,
        "skipped": skipped,
        "rows": {
            name: {figure: asdict(s) for figure, s in spreads(several).items()}
            for name, several in found.items()
        },
        "values": found,
    }


def show(found: dict[str, Any]) -> str:
    """Return the table: medians with their spread, and how the rates compare with ours."""
    rows = {name: spreads(several) for name, several in found["values"].items()}
    ours = rows.get(OURS, {}).get("tasks_per_s")
    heads = [*COLUMNS.values(), "rate to ours"]
    lines = [f"{'':<18}" + "".join(f"{head:>22}" for head in heads)]
    for name, row in rows.items():
        cells = [str(row.get(figure, "")) for figure in COLUMNS]
        rate = row.get("tasks_per_s")
        cells.append(ratio(rate.median, ours.median) if rate and ours else "")
        lines.append(f"{name:<18}" + "".join(f"{cell:>22}" for cell in cells))
    lines += [f"{name}: left out, {reason}" for name, reason in found["skipped"].items()]
    lines.append(
        f"lost and doubled: of {found['plan']['kill_tasks']} tasks or more, by one kill -9"
    )
    return "\n".join(lines)


def main() -> None:
    """Print the table, or what was found as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", help="contenders whose name begins so")
    parser.add_argument("--short", action="store_true", help="little of everything, once")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    wanted = tuple(options.only or [""])
    chosen = [c for c in CONTENDERS if c.name.startswith(wanted)]
    plan, rounds = (SHORT, 1) if options.short else (Plan(), options.rounds)
    # a new topic has no leader at first, and the clients tell so again and again
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = asyncio.run(compare(chosen, plan, rounds))
    print(json.dumps(found, indent=2) if options.json else show(found))


if __name__ == "__main__":
    main()
