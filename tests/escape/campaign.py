"""Runs the whole corpus on many sets of layers, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).parents[2]
_REFUSED = 3
_PATIENCE_S = 240


@dataclass(frozen=True, kw_only=True)
class Yield:
    """What came of one set."""

    # why it could not be tried; empty when it was
    refused: str
    layers: tuple[str, ...] = ()
    results: tuple[dict[str, Any], ...] = ()
    left: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[str]:
        """A line for each attack of which came what must not come."""
        return [
            f"{result['attack']}: {result['wrong']}\n{result['output'][-600:]}"
            for result in self.results
            if result["wrong"]
        ]


class Campaign:
    """Tries sets in the background, as many at a time as there are processors."""

    def __init__(self, trials: Iterable[tuple[str, str]]) -> None:
        """Begin.

        Arguments:
            trials: who ("root", "user" or "self") and the name of a set.
        """
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self._yields: dict[tuple[str, str], Future[Yield]] = {
            trial: self._pool.submit(_try, *trial) for trial in trials
        }

    def result(self, who: str, name: str) -> Yield:
        """Wait for what came of a set."""
        return self._yields[who, name].result()

    def close(self) -> None:
        """Forget what has not begun, and wait for the rest."""
        self._pool.shutdown(cancel_futures=True)


def who_can_try() -> tuple[str, ...]:
    """As whom the corpus can be tried: root tries as another user as well."""
    return ("root", "user") if os.geteuid() == 0 else ("self",)


def _try(who: str, name: str) -> Yield:
    launcher = ["-m", "tests.escape.as_user"] if who == "user" else []
    command = [sys.executable, *launcher, "-m", "tests.escape.harness", name]
    done = subprocess.run(
        command, cwd=_REPOSITORY, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
    )
    if done.returncode == _REFUSED:
        return Yield(refused=done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"{name} as {who}: {done.stderr.strip()[-2000:]}")
    answer = json.loads(done.stdout)
    return Yield(
        refused="",
        layers=tuple(answer["layers"]),
        results=tuple(answer["results"]),
        left=tuple(answer["left"]),
    )
