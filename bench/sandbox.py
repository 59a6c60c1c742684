"""How long a run in the sandbox takes, against a bare interpreter in the same minute.

    python bench/sandbox.py

For every set of layers: the median of 30 runs of ``pass``, each next to a bare
``python -I -c pass``, and the ratio of the two medians. The bare interpreter is that of an empty
virtual environment: packages installed beside the real one may run at its every start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
import venv
from dataclasses import replace
from pathlib import Path

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Layers, Limits, Sandbox, probe

_CODE = "pass"
# the most that a run may cost, in bare runs
_GOALS = {"strict": 1.5, "namespaces": 2.0}


def _bare(executable: str) -> float:
    began = time.perf_counter()
    subprocess.run([executable, "-I", "-c", _CODE], stdin=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


async def _held(sandbox: Sandbox) -> float:
    began = time.perf_counter()
    outcome = await sandbox.run(_CODE)
    elapsed = (time.perf_counter() - began) * 1000
    if not outcome.success:
        raise SystemExit(f"{outcome.verdict}: {outcome.error}")
    return elapsed


def _sets(scratch: Path) -> dict[str, Layers]:
    """The sets that can be had here, by name."""
    sets = {"no layers": Layers()}
    for name, mode in (("unsafe", "unsafe"), ("strict", "strict"), ("namespaces", "auto")):
        try:
            layers = probe(mode, scratch)
        except SandboxRefusedError:
            continue
        if name != "namespaces" or layers.namespaces:
            sets[name] = layers
    if "strict" in sets:
        strict = sets["strict"]
        sets["landlock alone"] = replace(strict, seccomp=False)
        sets["seccomp alone"] = replace(strict, landlock=0)
    return sets


async def measure(runs: int) -> list[dict[str, object]]:
    """Time every set of layers, alternating with bare runs.

    Arguments:
        runs: how often each.
    """
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="aimesh-bench-") as folder:
        scratch, empty = Path(folder) / "scratch", Path(folder) / "empty"
        venv.create(empty, with_pip=False)
        executable = str(empty / "bin" / "python")
        for name, layers in _sets(scratch).items():
            sandbox = Sandbox(Limits(), slots=1, scratch=scratch, layers=layers)
            bare, held = [], []
            for _ in range(runs + 3):
                bare.append(_bare(executable))
                held.append(await _held(sandbox))
            await sandbox.close()
            # the first ones fill caches
            base, cost = statistics.median(bare[3:]), statistics.median(held[3:])
            rows.append(
                {
                    "layers": name,
                    "bare_ms": round(base, 2),
                    "held_ms": round(cost, 2),
                    "ratio": round(cost / base, 2),
                    "goal": _GOALS.get(name),
                }
            )
    return rows


def main() -> None:
    """Print the table, or the rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = asyncio.run(measure(arguments.runs))
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'layers':<16}{'bare ms':>9}{'held ms':>9}{'ratio':>7}{'goal':>7}")
    for row in rows:
        goal = row["goal"] or ""
        cells = f"{row['bare_ms']:>9}{row['held_ms']:>9}{row['ratio']:>7}{goal:>7}"
        print(f"{row['layers']:<16}{cells}")
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load > processors:
        print(f"The machine was busy (load {load:.0f} on {processors} processors): the mesh's own")
        print("work goes before a run, so these ratios are higher than on a quiet one.")


if __name__ == "__main__":
    main()
