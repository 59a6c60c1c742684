"""Appends rows to an archive until it is done or killed: `python -m tests.appender`.

Arguments: the archive, the first number, how many rows, rows at a time, characters a text. Each
line on standard output is a list of numbers that are safely in the archive.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aimesh.core.archive import ArchiveRow
from aimesh.services.archive import Archive


def row(number: int, size: int = 40) -> ArchiveRow:
    """A row whose every text tells its number and holds what is hard in CSV."""
    return ArchiveRow(
        task=f'{number}: "quoted", with a comma',
        solution=f"{number}\r\n" + 'print("x")\n' * (size // 11),
        review=f"{number}\0\r,\n'\"\"'" + "é" * size,
        task_id=f"id-{number}",
        success=number % 2 == 0,
        attempts=number % 3 + 1,
        exec_output=f"{number}\r" + '"' * (size // 4),
        model="a model",
        completed_at="2026-01-01T00:00:00.000Z",
    )


async def main(path: str, first: int, number: int, step: int, size: int) -> None:
    archive = Archive(Path(path))
    for start in range(first, first + number, step):
        numbers = range(start, min(start + step, first + number))
        await archive.append_many([row(each, size) for each in numbers])
        print(*numbers, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
