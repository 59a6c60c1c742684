"""The page about performance has every figure, where from, and what was left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import page, plots
from bench.figures import Figure, Spread, quantile, ratio, short

MACHINE = {
    "processor": "Some", "processors": 2, "memory_gb": 4.0, "system": "Linux", "python": "3.11",
    "versions": {"aiokafka": "0.14.0"}, "load_before": 0.1,
}  # fmt: skip


def spread(median: float) -> dict[str, float]:
    return {"median": median, "least": median - 1, "most": median + 1, "rounds": 3}


def pipeline() -> dict[str, Any]:
    ours = {"tasks_per_s": spread(400), "p50_ms": spread(20), "p99_ms": spread(30)}
    other = {"tasks_per_s": spread(800), "p50_ms": spread(10), "p99_ms": spread(15)}
    kills = ({"lost": spread(0), "doubled": spread(1)}, {"lost": spread(7), "doubled": spread(90)})
    found = {
        "plan": {"kill_tasks": 3000},
        "skipped": {"Celery on Redis": "there is no redis-server"},
        "rows": {"AI-Mesh Stage": ours | kills[0], "aiokafka": other | kills[1]},
    }
    return {"bench": "pipeline", "title": "Side by side", "found": [found], "rows": {}}


def growth() -> dict[str, Any]:
    row = spread(0.4) | {"unit": "ms/task", "goal": None, "missed": 0}
    missed = spread(2.0) | {"unit": "times", "goal": 1.2, "missed": 3}
    rows = {"500 tasks: worker": row, "5,000 tasks: worker": row, "cost": missed}
    return {"bench": "growth", "title": "Growth", "found": [], "rows": rows}


def written(folder: Path, *results: dict[str, Any]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        told = result | {"machine": MACHINE, "rounds": 3, "short": False}
        (folder / f"{result['bench']}.json").write_text(json.dumps(told))
    page.write(folder, folder / "performance.md")
    return (folder / "performance.md").read_text()


def test_the_page_has_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "draw", lambda found, folder: {"growth": ["a.svg"]})
    text = written(tmp_path, pipeline(), growth())
    assert "make bench" in text
    assert "2 × Some, 4.0 GB" in text
    assert "| aiokafka | 800 (799–801) | 2.00× | 10 (9–11) |" in text
    assert "Celery on Redis was left out: there is no redis-server." in text
    assert "| cost | 2 times | 1 to 3 | 1.2, missed in 3 of 3 |" in text
    assert "](images/a.svg)" in text


def test_without_results_there_is_no_page(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no results"):
        page.write(tmp_path, tmp_path / "performance.md")


def test_pictures_are_the_same_for_the_same_figures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = [pipeline(), growth()]
    names = plots.draw(found, tmp_path)
    assert sorted(p.name for p in tmp_path.glob("*.svg")) == sorted(
        name for several in names.values() for name in several
    )
    first = {p.name: p.read_bytes() for p in tmp_path.glob("*.svg")}
    plots.draw(found, tmp_path)
    assert first == {p.name: p.read_bytes() for p in tmp_path.glob("*.svg")}


def test_figures_are_written_short() -> None:
    assert [short(value) for value in (0, 0.12345, 12.3, 1234.5)] == [
        "0",
        "0.123",
        "12.3",
        "1,234",
    ]
    assert str(Spread.of([3.0, 1.0, 2.0])) == "2 (1–3)"
    assert str(Spread.of([2.0])) == "2"
    assert (ratio(3, 2), ratio(3, 0)) == ("1.50×", "–")
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.5, 0.99)] == [2.0, 4.0]


def test_a_goal_may_be_the_least_or_the_most() -> None:
    assert Figure("a", 2, "", 3).is_met
    assert not Figure("a", 2, "", 3, more_is_better=True).is_met
    assert Figure("a", 2, "").is_met
