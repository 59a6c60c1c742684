"""Tries the corpus on one set of layers, as the user that runs this, and prints what came of it.

    python -m tests.escape.harness SET [--attack NAME ...]

SET is a name of ``layer_sets`` or "control".
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import dataclasses
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Layers, Limits, Outcome, Sandbox, machine
from tests.escape.attacks import Attack, corpus
from tests.escape.control import in_output, run_freely
from tests.escape.layer_sets import WITHOUT_SLOW, layer_set
from tests.escape.outside import Outside, alive, end

LIMITS = Limits(
    wall_s=60, cpu_s=1, memory=512 << 20, output=64 << 10, disk=8 << 20, inodes=300, threads=32
)
# for attacks that only wait: nothing else would end them before the clock does
HASTY = dataclasses.replace(LIMITS, wall_s=1.5)
_AT_ONCE = 3
# how long a control run may take: to see that it does not end, and to let it do its work
_WALL_S, _PATIENCE_S = 0.7, 10.0
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one attack."""

    attack: str
    # "passed", "timeout" and so on; empty in the control run
    verdict: str
    effects: list[str]
    # what is not as it must be; empty when all is
    wrong: str
    # only metadata was learnt, where that is known and tolerated
    metadata: bool
    output: str


def judge(attack: Attack, outcome: Outcome, effects: set[str], layers: Layers) -> Result:
    """Compare what came of an attack with what must come of it."""
    tolerated = {"printed"} if attack.metadata_only and not layers.namespaces else set()
    wrong = []
    if outcome.verdict not in attack.expect:
        wrong.append(f"verdict {outcome.verdict} ({outcome.error})")
    if effects - tolerated:
        wrong.append(f"effects {', '.join(sorted(effects - tolerated))}")
    if attack.shows not in outcome.output:
        wrong.append(f"does not show {attack.shows!r}")
    if attack.exit is not None and outcome.exit_code != attack.exit:
        wrong.append(f"exit code {outcome.exit_code}")
    return Result(
        attack=attack.name,
        verdict=outcome.verdict,
        effects=sorted(effects),
        wrong="; ".join(wrong),
        metadata=bool(effects & tolerated),
        output=outcome.output[-1500:],
    )


async def try_on(name: str, attacks: list[Attack], folder: Path) -> dict[str, object]:
    """Try attacks on a set of layers.

    Returns:
        the layers, a result for each attack, and processes and folders that were left.
    """
    scratch, library = folder / "scratch", folder / "library"
    library.mkdir()
    _add_to_library(str(library))
    layers = layer_set(name, scratch)
    sandbox, hasty = (
        Sandbox(limits, slots=_AT_ONCE, scratch=scratch, layers=layers)
        for limits in (LIMITS, HASTY)
    )
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int, attack: Attack) -> Result:
        async with turn:
            file = library / f"{number}.py"
            with contextlib.closing(Outside(folder / str(number), number, file)) as outside:
                chosen = hasty if attack.waits else sandbox
                outcome = await chosen.run(attack.aimed(outside.targets()))
                effects = outside.effects() | in_output(outcome.output) | _excess(outcome)
                return judge(attack, outcome, effects, layers)

    results = await asyncio.gather(*(one(n, attack) for n, attack in enumerate(attacks)))
    await sandbox.close()
    await hasty.close()
    return {
        "layers": layers.names,
        "results": [dataclasses.asdict(result) for result in results],
        "left": [*_left_processes(), *(path.name for path in scratch.iterdir() if path.is_dir())],
    }


async def try_freely(attacks: list[Attack], folder: Path) -> dict[str, object]:
    """Try attacks with nothing to hold them; each must show that it works."""
    turn = asyncio.Semaphore(_AT_ONCE)
    root = os.geteuid() == 0

    async def one(number: int, attack: Attack) -> Result:
        async with turn:
            file = folder / f"{number}.py"
            with contextlib.closing(Outside(folder / str(number), number, file)) as outside:
                source = attack.aimed(outside.targets())
                wall_s = _WALL_S if attack.slow else _PATIENCE_S
                seen, output = await asyncio.to_thread(run_freely, source, outside, wall_s)
                seen |= outside.effects()
        works = attack.harmless or bool(seen & set(attack.control))
        excused = attack.needs_root and not root
        return Result(
            attack=attack.name,
            verdict="",
            effects=sorted(seen),
            wrong="" if works or excused else f"shows none of {', '.join(attack.control)}",
            metadata=False,
            output=output[-1500:],
        )

    results = await asyncio.gather(*(one(n, attack) for n, attack in enumerate(attacks)))
    return {
        "layers": [],
        "results": [dataclasses.asdict(result) for result in results],
        "left": _left_processes(),
    }


def _add_to_library(folder: str) -> None:
    """Let the sandbox read a folder as it reads the standard library, for attacks on that."""
    real = machine.interpreter()
    added = dataclasses.replace(real, library=(*real.library, folder))
    machine.interpreter = lambda: added


def _excess(outcome: Outcome) -> set[str]:
    """Limits that were passed by more than measuring takes."""
    seen = set()
    if outcome.max_rss_bytes > LIMITS.memory:
        seen.add("memory")
    if len(outcome.output) > LIMITS.output + 200:
        seen.add("output")
    if outcome.wall_s > LIMITS.wall_s:
        seen.add("overtime")
    return seen


def _left_processes() -> list[str]:
    """Processes that the attacks left: as a subreaper, this process inherits them."""
    until = time.monotonic() + 1
    while True:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        left = [pid for pid in map(int, text.split()) if alive(pid)]
        if not left or time.monotonic() > until:
            for pid in left:
                end(pid)
            return [f"process {pid}" for pid in left]
        time.sleep(0.02)


def main() -> None:
    """Print the results as JSON; exit code 3 when the set cannot be had here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("--attack", nargs="*", default=[])
    arguments = parser.parse_args()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    attacks = [a for a in corpus() if not arguments.attack or a.name in arguments.attack]
    if arguments.set in WITHOUT_SLOW:
        attacks = [attack for attack in attacks if not attack.slow]
    attacks = [attack for attack in attacks if attack.not_with != arguments.set]
    with tempfile.TemporaryDirectory(prefix="aimesh-escape-") as folder:
        # so that the attacks meet permissions that do not stop them
        Path(folder).chmod(0o755)
        if arguments.set == "control":
            answer = asyncio.run(try_freely(attacks, Path(folder)))
        else:
            try:
                answer = asyncio.run(try_on(arguments.set, attacks, Path(folder)))
            except SandboxRefusedError as error:
                print(error, file=sys.stderr)
                sys.exit(3)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
