"""Each measurement runs: its short form, once. What it measures here says nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from bench.suite import SUITE, Bench

# differences between two measurements, slopes and what is made of them: may be below nothing
DIFFERENCES = ("added by", "grow by", "grows by", "an event to one")


@pytest.mark.parametrize("bench", SUITE, ids=[bench.name for bench in SUITE])
def test_its_short_form_prints_figures(bench: Bench) -> None:
    command = [sys.executable, "-m", f"bench.{bench.name}", "--json", *bench.short]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    rows = list(bench.rows(json.loads(done.stdout)))
    assert rows
    assert all(math.isfinite(value) for _, value, *_ in rows), rows
    plain = [row for row in rows if not any(words in row[0] for words in DIFFERENCES)]
    assert all(value >= 0 for _, value, *_ in plain), plain
