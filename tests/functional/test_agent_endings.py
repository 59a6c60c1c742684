"""Where a task's way ends: its row in the archive, and what its verdicts leave in the memory."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aimesh.agents.persistence import Persistence
from aimesh.agents.remembering import MOST_BYTES, Remembering
from aimesh.core.memories import Recollection
from aimesh.errors import UnavailableError
from aimesh.records import Review, Verdict
from aimesh.services.archive import Archive
from aimesh.services.memory import Memory
from tests.agents import job
from tests.embedding import Embedder

REVIEW: dict[str, Any] = {
    "task_id": "t-1",
    "task": "Add, quickly",
    "solution": 'print("1,2")\n',
    "success": True,
    "exec_output": "1,2\n",
    "review": 'Good, it said "1,2".',
    "attempts": 2,
    "model": "gemma3:1b",
    "created_at": "2026-01-02T03:04:05.000Z",
}
VERDICT: dict[str, Any] = {
    "task_id": "t-1",
    "task": "add two numbers",
    "attempt": 2,
    "solution": "def add(): 1",
}


@pytest.fixture
def embed() -> Embedder:
    return Embedder()


@pytest.fixture
async def memory(embed: Embedder, tmp_path: Path) -> AsyncIterator[Memory]:
    door = Memory(embed, url="", folder=tmp_path / "memory", embed_model="words")
    yield door
    await door.close()


async def remembered(memory: Memory, **fields: Any) -> list[Recollection]:
    assert await Remembering(memory).work(Verdict(**VERDICT | fields), job()) == []
    return await memory.recall("add two numbers")


async def test_a_review_becomes_a_row_in_the_contract_s_columns(tmp_path: Path) -> None:
    path = tmp_path / "data" / "ai_history.csv"
    assert await Persistence(Archive(path)).work(Review(**REVIEW), job()) == []
    with path.open(newline="") as file:
        header, row = list(csv.reader(file))
    columns = "task,solution,review,task_id,success,attempts,exec_output,model,completed_at"
    assert header == columns.split(",")
    assert row == [
        "Add, quickly",
        'print("1,2")\n',
        'Good, it said "1,2".',
        "t-1",
        "true",
        "2",
        "1,2\n",
        "gemma3:1b",
        "2026-01-02T03:04:05.000Z",
    ]


async def test_a_review_that_is_delivered_again_adds_no_row(tmp_path: Path) -> None:
    path = tmp_path / "ai_history.csv"
    for _ in range(2):
        await Persistence(Archive(path)).work(Review(**REVIEW), job())
    assert [row.task_id for row in Archive(path).rows()] == ["t-1"]


async def test_a_review_without_a_time_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "ai_history.csv"
    await Persistence(Archive(path)).work(Review(**REVIEW | {"created_at": ""}), job())
    [row] = Archive(path).rows()
    assert row.completed_at.endswith("Z")


async def test_an_archive_that_cannot_be_written_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(UnavailableError, match="archive"):
        await Persistence(Archive(tmp_path / "data" / "x.csv")).work(Review(**REVIEW), job())


async def test_a_success_is_remembered_as_a_pattern(memory: Memory) -> None:
    [found] = await remembered(memory, success=True, verdict="passed")
    assert (found.kind, found.code, found.error) == ("pattern", "def add(): 1", "")


async def test_a_failure_is_remembered_with_its_error(memory: Memory) -> None:
    [found] = await remembered(memory, verdict="failed", error="TypeError: no")
    assert (found.kind, found.error) == ("failure", "TypeError: no")


async def test_a_failure_without_words_is_remembered_by_its_verdict(memory: Memory) -> None:
    [found] = await remembered(memory, verdict="timeout")
    assert found.error == "timeout"


async def test_a_verdict_that_is_delivered_again_adds_nothing(memory: Memory) -> None:
    await remembered(memory, verdict="failed", error="TypeError: no")
    assert len(await remembered(memory, verdict="failed", error="TypeError: no")) == 1
    assert await memory.count() == 1


async def test_each_attempt_is_an_experience_of_its_own(memory: Memory) -> None:
    await remembered(memory, attempt=1, verdict="failed", error="TypeError: no")
    assert len(await remembered(memory, attempt=2, success=True, verdict="passed")) == 2


async def test_what_is_long_is_cut(memory: Memory) -> None:
    [found] = await remembered(memory, success=True, solution="x = 1\n" * 10_000)
    assert len(found.code.encode()) <= MOST_BYTES


async def test_a_memory_that_is_down_is_waited_for(memory: Memory, embed: Embedder) -> None:
    embed.fault = UnavailableError("ollama", "no embeddings today")
    with pytest.raises(UnavailableError, match="no embeddings today"):
        await remembered(memory, success=True)
