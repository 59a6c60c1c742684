"""Remembers experiences until it is killed: `python -m tests.rememberer FOLDER FIRST`.

Each line on standard output is the number of an experience that is safely remembered.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from aimesh.services.memory import Experience, Memory
from tests.embedding import Embedder


def experience(number: int) -> Experience:
    """An experience whose every text tells its number."""
    kind = ("failure", "pattern", "task")
    text = f"task number n{number}"
    return Experience(f"id-{number}", 1, kind[number % 3], text, f"code {number}", f"e {number}")  # type: ignore[arg-type]


async def main(folder: str, first: str) -> None:
    memory = Memory(Embedder(), url="", folder=Path(folder), embed_model="words")
    for number in itertools.count(int(first)):
        await memory.remember([experience(number)])
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
