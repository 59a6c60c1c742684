"""All measurements: how each is run, and the figures in what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# label, value, unit, goal, whether the goal is met
Row = tuple[str, float, str, float | None, bool]


@dataclass(frozen=True)
class Bench:
    """A measurement that is a program of its own.

    Arguments:
        name: of its module in `bench`.
        title: what it measures, as the page says it.
        short: arguments with which it does little of everything.
        rows: finds the figures in what it prints as JSON.
        own_rounds: whether it goes several rounds itself.
        is_long: whether it takes so many minutes that one round must do.
        note: what the page says below the title.
    """

    name: str
    title: str
    short: tuple[str, ...]
    rows: Callable[[Any], Iterator[Row]]
    own_rounds: bool = False
    is_long: bool = False
    note: str = ""

    def run(self, arguments: tuple[str, ...] = ()) -> Any:
        """Run it and return what it found.

        Raises:
            SystemExit: it failed; a goal that is missed is no failure.
        """
        command = [sys.executable, "-m", f"bench.{self.name}", "--json", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError as exc:
            raise SystemExit(f"bench.{self.name} failed with {done.returncode}") from exc


def _figures(found: Any) -> Iterator[Row]:
    for one in found["figures"]:
        yield one["name"], one["value"], one["unit"], one["goal"], one["is_met"]


def _pipeline(found: Any) -> Iterator[Row]:
    for name, row in found["rows"].items():
        for figure, spread in row.items():
            yield f"{name}: {figure}", spread["median"], "", None, True


def _sandbox(found: Any) -> Iterator[Row]:
    for row in found:
        goal = row["goal"]
        met = goal is None or row["ratio"] <= goal
        yield f"a run with {row['layers']}", row["held_ms"], "ms", None, True
        yield f"to a bare interpreter, {row['layers']}", row["ratio"], "times", goal, met


def _scale(found: Any) -> Iterator[Row]:
    yield "one consumer", found["one"], "tasks/s", None, True
    yield f"{found['workers']} consumers", found["all"], "tasks/s", None, True
    goal = 0.9 * found["workers"]
    yield "ratio", found["ratio"], "times", goal, found["ratio"] >= goal


def _memory(found: Any) -> Iterator[Row]:
    for row in found:
        words = "with a memory" if row["memory"] else "without one"
        yield f"passed at once, {words}", row["share"], "%", None, True


OBSERVING = """
`queues/{agent}/pending` answers the 100 most urgent tasks where no more are asked for. With 100,000
of these messages a queue has 50 that wait, which stand on 7 pages of the table; with 1,000,000 it
has 489, and the 100 stand on 66. An answer never reads more pages than it has tasks, whatever the
volume."""

SUITE = (
    Bench("pipeline", "Five hops without work, side by side", ("--short",), _pipeline, True),
    Bench("stage", "One Stage on one worker", ("--short",), _figures),
    Bench("mesh", "The whole mesh", ("--tasks", "2", "--burst", "2", "--idle", "1"), _figures),
    Bench(
        "slots",
        "A model of a second and four slots",
        ("--tasks", "8", "--latency", "0.2", "--slots", "2"),
        _figures,
    ),
    Bench("sandbox", "The sandbox", ("--runs", "2"), _sandbox),
    Bench(
        "scale",
        "More consumers",
        ("--workers", "2", "--seconds", "2", "--latency", "0.1"),
        _scale,
    ),
    Bench("memory", "What the memory does", ("--tasks", "2"), _memory),
    Bench(
        "telemetry",
        "Telemetry",
        ("--messages", "2000", "--errors", "200"),
        _figures,
        is_long=True,
    ),
    Bench(
        "open_pages",
        "200 open pages and 50 events a second",
        ("--short",),
        _figures,
        is_long=True,
    ),
    Bench("growth", "Growth to 100 times as much", ("--short",), _figures, is_long=True),
    Bench(
        "growth_observer",
        "Observing 100 times as much",
        ("--short",),
        _figures,
        is_long=True,
        note=OBSERVING,
    ),
)
