"""All fault scenarios with many seeds, and a table of what came of them.

python -m bench.drill --seeds 20

Each run's outcome is a line of JSON in the results file. What is there already is not run again, so
a long drill can be cut in pieces: by --minutes, or by stopping it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from tests.faults.drill import Outcome, run
from tests.faults.scenarios import SCENARIOS

SUMS = {
    "runs": "runs", "tasks": "tasks", "kills": "kills", "lost": "lost", "doubled": "doubled",
    "calls beyond need": "extra_calls", "out of balance": "problems",
    "tables differ": "stale",
}  # fmt: skip
WORST = {"longest gap s": "gap", "back after s": "back"}
WIDTH = 160  # the table's, which is meant for a page

Run = dict[str, Any]
# a scenario, a seed, and whether it is as short as in the tests
Key = tuple[str, int, bool]


class Results:
    """The outcomes so far, in a file that grows by a line with each run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: For the workers' logs of runs that did not go as they should.
        self.logs = path.parent / "drill-logs"
        self.runs: dict[Key, Run] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                found = json.loads(line)
                self.runs[found["scenario"], found["seed"], found["short"]] = found

    def add(self, key: Key, outcome: Run) -> None:
        """Keep what came of a run."""
        found = dict(zip(("scenario", "seed", "short"), key, strict=True)) | outcome
        self.runs[key] = found
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(found) + "\n")


async def outcome_of(key: Key, logs: Path) -> Run:
    """Run a scenario once; a mesh that does not come to an end is an outcome too.

    Arguments:
        key: which one.
        logs: where the workers' logs are kept of a run that did not go as it should.
    """
    name, seed, short = key
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aimesh-drill-") as folder:
        try:
            found = await run(SCENARIOS[name], Path(folder), seed, short=short)
        except AssertionError as exc:
            found = Outcome(0, 0, 0, 0, 0, 0.0, 0.0, [f"it did not end: {exc}"], [])
        if not found.held:
            _keep_logs(Path(folder), logs / f"{name}-{seed}".replace(" ", "-"))
    return {**asdict(found), "took": round(time.monotonic() - began, 1)}


def _keep_logs(folder: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("worker-*.log"):
        shutil.copy(log, kept)


def rows(runs: list[Run]) -> Iterator[dict[str, Any]]:
    """One row of the table for each scenario: sums over its runs, and the worst of their times."""
    for name in (n for n in SCENARIOS if any(r["scenario"] == n for r in runs)):
        own = [r for r in runs if r["scenario"] == name]
        found: dict[str, Any] = {"scenario": name, "runs": len(own)}
        for field in SUMS.values():
            if field in ("problems", "stale"):
                found[field] = sum(bool(r[field]) for r in own)
            elif field != "runs":
                found[field] = sum(r[field] for r in own)
        yield found | {field: max(r[field] for r in own) for field in WORST.values()}


def table(runs: list[Run]) -> Table:
    """The table of all rows, with their sum."""
    found = Table("scenario", *SUMS, *WORST, box=MARKDOWN)
    every = list(rows(runs))
    for row in every:
        found.add_row(*(str(row[field]) for field in ("scenario", *SUMS.values(), *WORST.values())))
    if every:
        sums = [str(sum(row[field] for row in every)) for field in SUMS.values()]
        found.add_row("all", *sums, *(str(max(r[f] for r in every)) for f in WORST.values()))
    return found


async def drill(
    keys: list[Key], results: Results, console: Console, minutes: float, at_once: int
) -> None:
    """Run what has not been run, for so long, so many at once."""
    ends = time.monotonic() + 60 * minutes
    # seed by seed, so that a part of a drill has something of every scenario
    left = [key for key in sorted(keys, key=lambda k: k[1]) if key not in results.runs]
    numbered = enumerate(left, 1)

    async def run_on() -> None:
        while time.monotonic() < ends and (taken := next(numbered, None)) is not None:
            number, key = taken
            found = await outcome_of(key, results.logs)
            results.add(key, found)
            facts = ", ".join(f"{name} {found[f]}" for name, f in SUMS.items() if f in found)
            told = f"{number} of {len(left)}: {key[0]}, seed {key[1]}: {facts}"
            console.print(f"{told}, took {found['took']} s", markup=False, soft_wrap=True)

    await asyncio.gather(*(run_on() for _ in range(at_once)))
    if missing := len(list(numbered)):
        console.print(f"{missing} runs are left: start it again to go on")


def main() -> None:
    """Read the arguments and run; exit 1 when anything was lost, doubled or out of balance."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--short", action="store_true", help="as short as in the tests")
    parser.add_argument("--only", action="append", choices=SCENARIOS, default=[])
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no run after so long")
    parser.add_argument("--at-once", type=int, default=1, help="runs beside each other")
    parser.add_argument("--results", type=Path, default=Path("data/drill.jsonl"))
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    given = parser.parse_args()
    if given.at_once < 1:
        parser.error("--at-once: at least 1")
    seeds = range(1, given.seeds + 1)
    keys = [(name, seed, given.short) for name in given.only or SCENARIOS for seed in seeds]
    if given.fresh:
        given.results.unlink(missing_ok=True)
    # that a broker is away is what is tried here
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    results, console = Results(given.results), Console(stderr=given.json, width=WIDTH)
    asyncio.run(drill(keys, results, console, given.minutes, given.at_once))
    runs = [results.runs[key] for key in keys if key in results.runs]
    if given.json:
        print(json.dumps(list(rows(runs)), indent=2))
    else:
        console.print(table(runs))
    sys.exit(any(r["lost"] or r["doubled"] or r["problems"] for r in runs))


if __name__ == "__main__":
    main()
