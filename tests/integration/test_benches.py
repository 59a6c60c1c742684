"""Each measurement runs: its short form, once. What it measures here says nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bench.suite import SUITE, Bench

# the others take minutes even so, and what they use is tested elsewhere
CHOSEN = [bench for bench in SUITE if bench.name in ("pipeline", "stage", "sandbox", "growth")]


@pytest.mark.parametrize("bench", CHOSEN, ids=[bench.name for bench in CHOSEN])
def test_its_short_form_prints_figures(bench: Bench) -> None:
    command = [sys.executable, "-m", f"bench.{bench.name}", "--json", *bench.short]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    rows = list(bench.rows(json.loads(done.stdout)))
    assert rows
    assert all(value >= 0 for label, value, *_ in rows if "added by" not in label), rows
