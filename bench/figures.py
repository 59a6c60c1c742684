"""Figures of several rounds: their median, their spread, and where they were measured."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import math
import os
import platform
import statistics
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("faust-streaming", "aiokafka", "faststream", "celery", "redis", "rocksdict")


@dataclass(frozen=True)
class Figure:
    """Something measured. Fewer is better, unless said otherwise; ``goal`` is the worst allowed."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    more_is_better: bool = False

    @property
    def is_met(self) -> bool:
        """Tell whether the goal, if there is one, is met."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


def report(measure: Callable[[], Coroutine[Any, Any, Sequence[Figure]]], as_json: bool) -> str:
    """Measure, and return the figures as JSON or as a table with the goals beside them."""
    facts = machine()
    figures = asyncio.run(measure())
    if as_json:
        rows = [asdict(figure) | {"is_met": figure.is_met} for figure in figures]
        return json.dumps({"machine": facts, "figures": rows}, indent=2)
    lines = [f"{'':<42}{'measured':>10}  {'':<12}{'goal':>8}"]
    for figure in figures:
        goal = "" if figure.goal is None else f"{figure.goal:g}"
        mark = "" if figure.is_met else "  MISSED"
        lines.append(f"{figure.name:<42}{figure.value:>10.2f}  {figure.unit:<12}{goal:>8}{mark}")
    load = facts["load_before"]
    lines.append(f"\n{facts['processors']} processors; load before the measurement {load:.1f}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, with the least and the most of them."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        if self.rounds == 1 or self.least == self.most:
            return short(self.median)
        return f"{short(self.median)} ({short(self.least)}–{short(self.most)})"


def spreads(rounds: Iterable[Mapping[str, float]]) -> dict[str, Spread]:
    """Return the spread of each figure over the rounds in which it was measured."""
    values: dict[str, list[float]] = {}
    for found in rounds:
        for name, value in found.items():
            values.setdefault(name, []).append(value)
    return {name: Spread.of(several) for name, several in values.items()}


def quantile(ascending: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all values do not exceed."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def short(value: float) -> str:
    """Write a figure with three digits or so."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(value: float, base: float) -> str:
    """Write how many times ``base`` a value is."""
    return f"{value / base:.2f}×" if base else "–"


def machine() -> dict[str, Any]:
    """Return what figures depend on: processor, memory, system, versions, other load."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / (1 << 30), 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
