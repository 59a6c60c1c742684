"""Each measurement runs: its short form, once. What it measures here says nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from bench.suite import SUITE, Bench


@pytest.mark.parametrize("bench", SUITE, ids=[bench.name for bench in SUITE])
def test_its_short_form_prints_figures(bench: Bench) -> None:
    command = [sys.executable, "-m", f"bench.{bench.name}", "--json", *bench.short]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    rows = list(bench.rows(json.loads(done.stdout)))
    assert rows
    assert all(math.isfinite(value) for _, value, *_ in rows), rows
