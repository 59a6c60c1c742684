"""Figures of several rounds: their median, their spread, and where they were measured."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("faust-streaming", "aiokafka", "faststream", "celery", "redis", "rocksdict")


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
