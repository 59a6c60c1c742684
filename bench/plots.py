"""Pictures of results, as SVG."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

OURS_COLOUR, COLOUR, SECOND_COLOUR = "#3b6fd4", "#9aa5b8", "#d9822b"


def draw(found: list[dict[str, Any]], folder: Path) -> dict[str, list[str]]:
    """Draw what can be drawn; return the names of the pictures by measurement."""
    if importlib.util.find_spec("matplotlib") is None:
        print("no pictures: matplotlib is not installed: pip install 'aimesh[bench]'")
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    results = {result["bench"]: result for result in found}
    pictures: dict[str, list[str]] = {}
    if "pipeline" in results:
        rows = results["pipeline"]["found"][0]["rows"]
        pictures["pipeline"] = [
            _bars(rows, ("tasks_per_s",), "tasks/s through five hops", folder),
            _bars(rows, ("p50_ms", "p99_ms"), "ms through five hops, p50 and p99", folder),
            _bars(rows, ("lost", "doubled"), "tasks lost and doubled by one kill -9", folder),
        ]
    if "growth" in results and (costs := _costs(results["growth"]["rows"])):
        pictures["growth"] = [_line(costs, folder)]
    return pictures


def _figure(width: float, height: float) -> Any:
    import matplotlib

    matplotlib.use("svg")
    # the same file for the same figures
    matplotlib.rcParams["svg.hashsalt"] = "aimesh"
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")


def _saved(figure: Any, folder: Path, name: str) -> str:
    from matplotlib import pyplot

    figure.savefig(folder / name, metadata={"Date": None})
    pyplot.close(figure)
    return name


def _bars(
    rows: dict[str, Any],
    columns: tuple[str, ...],
    title: str,
    folder: Path,
) -> str:
    names = [name for name, row in rows.items() if columns[0] in row][::-1]
    figure, axes = _figure(7.5, 0.8 + 0.42 * len(names))
    thickness = 0.8 / len(columns)
    for number, column in enumerate(columns):
        spreads = [rows[name][column] for name in names]
        values = [spread["median"] for spread in spreads]
        errors = [
            [spread["median"] - spread["least"] for spread in spreads],
            [spread["most"] - spread["median"] for spread in spreads],
        ]
        places = [place + 0.4 - (number + 0.5) * thickness for place in range(len(names))]
        colours = [COLOUR, SECOND_COLOUR][number]
        bars = axes.barh(places, values, thickness, color=colours, xerr=errors, label=column)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.set_title(title, loc="left", fontsize=10)
    if len(columns) > 1:
        axes.legend([column.removesuffix("_ms") for column in columns], fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return _saved(figure, folder, f"performance-{columns[0].replace('_', '-')}.svg")


def _costs(rows: dict[str, Any]) -> dict[int, float]:
    """Return the cost of a task for each number of them."""
    found = {}
    for label, row in rows.items():
        if match := re.fullmatch(r"([\d,]+) tasks: worker", label):
            found[int(match[1].replace(",", ""))] = row["median"]
    return found


def _line(costs: dict[int, float], folder: Path) -> str:
    figure, axes = _figure(6.0, 3.0)
    axes.plot(list(costs), list(costs.values()), marker="o", color=OURS_COLOUR)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.3 * max(costs.values()))
    axes.set_xlabel("tasks")
    axes.set_title("processor time of a worker for each task, ms", loc="left", fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return _saved(figure, folder, "performance-growth.svg")
