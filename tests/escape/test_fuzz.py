"""Whatever is given to the sandbox as code, it comes back with a verdict, and with clean output."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimesh.services.sandbox import Limits
from tests.escape.attacks import CORPUS
from tests.sandboxing import MODES, opened

_VERDICTS = {
    *("passed", "failed", "timeout", "out_of_memory", "output_limit"),
    *("disk_limit", "killed", "no_code"),
}
_LIMITS = Limits(wall_s=2, cpu_s=1, memory=256 << 20, disk=1 << 20, inodes=50, output=4096)
_TOKENS = """
import os print(1) raise exit() while True: for in range(9) def f(): return yield async await
class X: lambda: ( ) [ ] { } ' " # \\ = == := ** // @ ... None 1e999 0x 7**7**7 sys ctypes posix
f'{' b'' eval('1') __import__('os') del try: except: finally: with open('f','w') as f:
os.write(1,b'x') os.close(1) os._exit(7) os.abort()
"""
_WORDS = [*_TOKENS.split(), "\n", "\t", " ", "\0", "\x1b[2J", "\udce4", "\u202e"]


def _codes(chance: random.Random) -> Iterator[str | bytes]:
    programs = [path.read_bytes() for path in sorted(CORPUS.glob("ok_*.py"))]
    while True:
        yield chance.randbytes(chance.randrange(1, 400))
        yield " ".join(chance.choices(_WORDS, k=chance.randrange(1, 40)))
        program = bytearray(chance.choice(programs))
        for _ in range(chance.randrange(1, 6)):
            program[chance.randrange(len(program))] = chance.randrange(256)
        yield bytes(program)
        # writes random bytes to every descriptor, and ends in a random way
        noise = chance.randbytes(200)
        yield (
            f"import os\nfor fd in range(20):\n try: os.write(fd, {noise!r})\n"
            f" except OSError: pass\nos._exit({chance.randrange(256)})"
        )


@pytest.mark.parametrize("mode", MODES)
async def test_random_code_gets_a_verdict(mode: str, tmp_path: Path) -> None:
    chance = random.Random(20)
    codes = _codes(chance)
    async with opened(tmp_path, mode, _LIMITS, slots=4) as sandbox:

        async def one(code: str | bytes) -> None:
            cases = [{"call": chance.choice(_WORDS), "expected": "1"}] * chance.randrange(3)
            outcome = await sandbox.run(code, cases)
            assert outcome.verdict in _VERDICTS, (code, outcome)
            assert len(outcome.output) < 20_000, code
            outcome.output.encode()
            bad = [c for c in outcome.output + outcome.error if c < " " and c not in "\n\t"]
            assert bad == [], (code, outcome)
            assert outcome.success == (outcome.verdict == "passed")

        await asyncio.gather(*(one(next(codes)) for _ in range(120)))
