"""Runs all measurements, prints their medians, and writes the page about them.

    python -m bench [--only NAME] [--rounds N] [--short] [--results FOLDER] [--page FILE]

Writes what each found as JSON into a folder, and from all that is there the page with its
pictures. ``--page-only`` writes that again without measuring.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import Spread, machine, short
from bench.suite import SUITE, Bench


def measure(bench: Bench, rounds: int, is_short: bool) -> dict[str, Any]:
    """Run one of them several times, a long one once; return all that was found, with medians."""
    facts = machine()
    rounds = 1 if bench.is_long else rounds
    arguments = bench.short if is_short else ()
    if bench.own_rounds:
        arguments = (*arguments, "--rounds", str(rounds))
    found = [bench.run(arguments) for _ in range(1 if bench.own_rounds else rounds)]
    values: dict[str, list[float]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        for label, value, unit, goal, met in bench.rows(one):
            values.setdefault(label, []).append(value)
            rows[label] = {
                "unit": unit,
                "goal": goal,
                "missed": rows.get(label, {}).get("missed", 0),
            }
            rows[label]["missed"] += not met
    for label, several in values.items():
        spread = Spread.of(several)
        rows[label] |= {"median": spread.median, "least": spread.least, "most": spread.most}
    return {
        "bench": bench.name,
        "title": bench.title,
        "short": is_short,
        "machine": facts,
        "rounds": rounds,
        "rows": rows,
        "found": found,
    }


def show(result: dict[str, Any]) -> str:
    """Return the medians of one measurement as a table."""
    lines = [f"\n{result['title']} (bench.{result['bench']}, {result['rounds']} rounds)"]
    for label, row in result["rows"].items():
        spread = f"{short(row['least'])} to {short(row['most'])}"
        goal = "" if row["goal"] is None else f"goal {row['goal']:g}"
        missed = f"missed in {row['missed']} rounds" if row["missed"] else ""
        cells = f"{short(row['median']):>10} {row['unit']:<10}{spread:<22}{goal:<14}{missed}"
        lines.append(f"  {label:<56}{cells}".rstrip())
    return "\n".join(lines)


def chosen(names: Sequence[str] | None) -> list[Bench]:
    """Return the measurements with these names, or all."""
    return [bench for bench in SUITE if not names or bench.name in names]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=[bench.name for bench in SUITE])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="little of everything")
    parser.add_argument("--results", type=Path, default=Path("bench/results"))
    parser.add_argument("--page", type=Path, default=Path("docs/performance.md"))
    parser.add_argument("--page-only", action="store_true", help="from the results that are there")
    options = parser.parse_args()
    if not options.page_only:
        options.results.mkdir(parents=True, exist_ok=True)
        for bench in chosen(options.only):
            result = measure(bench, options.rounds, options.short)
            path = options.results / f"{bench.name}.json"
            path.write_text(json.dumps(result, indent=2) + "\n")
            print(show(result), flush=True)
    # draws, so that it can only be imported where the packages for it are
    from bench.page import write

    write(options.results, options.page)
    print(f"\nwritten: {options.page}")


if __name__ == "__main__":
    main()
