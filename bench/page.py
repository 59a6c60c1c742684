"""Writes the page about performance, and its pictures, from results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import plots
from bench.figures import Spread, ratio, short
from bench.pipeline.contenders import OURS
from bench.suite import SUITE

HEAD = """# Performance

Measured, not claimed: every figure here comes from

```
make bench
```

which writes this page. It takes an hour; run it on a machine that does nothing else. `--only NAME`
(`make bench BENCH="--only NAME"`) measures one again and leaves the others as they were.
Figures are medians over {rounds} rounds, with the least and the most of them in brackets; what
takes many minutes is measured once.

| | |
|---|---|
"""
PIPELINE = """
Five hops that do nothing, so that what is left is what each system itself costs. Each moves the
same tasks with one worker, all on the same Kafka (Celery on a Redis that keeps a log), in turns.
Ours has five Stages of 64 slots in its worker.
The last columns are the point: in a burst of {kill_tasks:,} tasks, or two seconds' worth where
that is more, the worker is killed with SIGKILL and started again at once. **Lost** never came
out, **doubled** came out more than once. What a Stage was about to close when it was killed is
sent again; the next Stage absorbs that by the task's id, so only what left the last one counts.

Group sessions last 6 s for all on Kafka, and Celery's visibility timeout is 10 s instead of its
hour, so that none is slow to come back for a default of its own; everything else is as it comes.
"aiokafka, careful" commits only what has arrived behind it. It has no queue of open jobs, no
deadline, no retries, no dead letters and no record of results; a call that takes minutes would
hold its partitions up.

| | tasks/s | to ours | p50 ms | p99 ms | CPU ms/task | lost | doubled | back after s | start s |
|---|---|---|---|---|---|---|---|---|---|
"""
COLUMNS = ("p50_ms", "p99_ms", "cpu_ms_per_task", "lost", "doubled", "back_s", "start_s")


def write(results: Path, page: Path) -> None:
    """Write the page from all results in a folder, with pictures where they can be drawn."""
    found = [json.loads(p.read_text()) for b in SUITE if (p := results / f"{b.name}.json").exists()]
    if not found:
        raise SystemExit(f"{results} has no results")
    images = page.parent / "images"
    pictures = plots.draw(found, images)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(_lines(found, pictures)) + "\n")


def _lines(found: list[dict[str, Any]], pictures: dict[str, list[str]]) -> Iterator[str]:
    facts, notes = found[0]["machine"], {bench.name: bench.note for bench in SUITE}
    yield HEAD.format(rounds=max(result["rounds"] for result in found)).rstrip()
    yield f"| Machine | {facts['processors']} × {facts['processor']}, {facts['memory_gb']} GB |"
    yield f"| System | {facts['system']}, Python {facts['python']} |"
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    yield f"| Versions | {versions} |"
    yield f"| Load before | {facts['load_before']} |"
    if any(result["short"] for result in found):
        yield "\n**These figures come from a short run, which only shows that all of it works.**"
    for result in found:
        yield f"\n## {result['title']}"
        if note := notes.get(result["bench"]):
            yield note
        pipeline = result["bench"] == "pipeline"
        yield from _pipeline(result["found"][0]) if pipeline else _table(result)
        for name in pictures.get(result["bench"], ()):
            yield f"\n![{result['title']}](images/{name})"


def _pipeline(found: dict[str, Any]) -> Iterator[str]:
    yield PIPELINE.format(**found["plan"]).rstrip()
    rows = {
        name: {figure: Spread(**spread) for figure, spread in row.items()}
        for name, row in found["rows"].items()
    }
    ours = rows.get(OURS, {}).get("tasks_per_s")
    for name, row in rows.items():
        rate = row.get("tasks_per_s")
        compared = ratio(rate.median, ours.median) if rate and ours else ""
        cells = [str(rate or ""), compared, *(str(row.get(column, "")) for column in COLUMNS)]
        yield f"| {name} | " + " | ".join(cells) + " |"
    for name, reason in found["skipped"].items():
        yield f"\n{name} was left out: {reason}."


def _table(result: dict[str, Any]) -> Iterator[str]:
    yield "\n| | median | least to most | goal |"
    yield "|---|---|---|---|"
    for label, row in result["rows"].items():
        goal = "" if row["goal"] is None else f"{row['goal']:g}"
        missed = f", missed in {row['missed']} of {result['rounds']}" if row["missed"] else ""
        spread = f"{short(row['least'])} to {short(row['most'])}"
        yield f"| {label} | {short(row['median'])} {row['unit']} | {spread} | {goal}{missed} |"
