"""The memory in a folder of this machine."""

# ruff: noqa: ASYNC240  # nothing else runs on the loop of these tests

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimesh.core.memories import Recollection
from aimesh.errors import BadAnswerError, UnavailableError
from aimesh.services.memory import Experience, Memory
from aimesh.services.memory.embedded import EmbeddedStore
from aimesh.services.memory.gate import Gate
from aimesh.services.memory.store import Point
from tests.clock import Clock
from tests.disks import resize, small_disk
from tests.embedding import Embedder
from tests.rememberer import experience

REVERSE = "write a function that reverses a list"
PRIMES = "count the prime numbers below a limit"
FAILED = Experience("t1", 1, "failure", REVERSE, "def f(", "SyntaxError: '(' was never closed")
PASSED = Experience("t1", 2, "pattern", REVERSE, "def f(x): return x[::-1]")
POSED = Experience("t2", 1, "task", PRIMES)


@pytest.fixture
def embed() -> Embedder:
    return Embedder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
async def memory(embed: Embedder, folder: Path) -> AsyncIterator[Memory]:
    async with opened(embed, folder) as door:
        yield door
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("memory")]


@asynccontextmanager
async def opened(
    embed: Callable[..., Any], folder: Path, model: str = "words", **more: Any
) -> AsyncIterator[Memory]:
    """A memory that is closed at the end."""
    more.setdefault("timeout", 20.0)  # the machine of a test may be busy
    door = Memory(embed, url="", folder=folder, embed_model=model, **more)
    try:
        yield door
    finally:
        await door.close()


async def test_what_resembles_comes_back_best_first(memory: Memory) -> None:
    await memory.remember([FAILED, PASSED, POSED])
    found = await memory.recall("a function that reverses lists", limit=5)
    assert {(item.kind, item.code, item.error) for item in found} == {
        ("failure", FAILED.code, FAILED.error),
        ("pattern", PASSED.code, ""),
    }
    assert all(0.5 < item.score < 1 for item in found)
    scores = [item.score for item in await memory.recall("a list function")]
    assert scores == sorted(scores, reverse=True)


async def test_kinds_can_be_chosen(memory: Memory) -> None:
    await memory.remember([FAILED, PASSED, POSED])
    assert [item.kind for item in await memory.recall(REVERSE, kinds=["pattern"])] == ["pattern"]
    assert await memory.recall(PRIMES, kinds=["task"]) == [Recollection("task", PRIMES, score=1.0)]


async def test_few_of_a_kind_are_found_among_many_others(memory: Memory) -> None:
    others = [replace(FAILED, task_id=f"x{n}") for n in range(100)]
    far = Experience("far", 1, "pattern", PRIMES, "right")
    await memory.remember([*others, far])
    (found,) = await memory.recall(REVERSE, limit=2, kinds=["pattern"])
    assert found.code == "right"


async def test_a_task_is_near_itself_once_whatever_is_known_of_it(memory: Memory) -> None:
    await memory.remember([FAILED, PASSED, POSED])
    found = await memory.nearest(REVERSE)
    assert [item.task for item in found] == [REVERSE, PRIMES]
    assert found[0].score == pytest.approx(1.0)
    assert found[1].score < 0.5


async def test_a_redelivery_adds_nothing(memory: Memory) -> None:
    for _ in range(3):
        await memory.remember([FAILED, PASSED])
        await memory.remember([FAILED])
    assert await memory.count() == 2


async def test_an_empty_memory_recalls_nothing(memory: Memory) -> None:
    assert await memory.recall(REVERSE) == []
    assert await memory.nearest(REVERSE) == []
    assert await memory.count() == 0
    assert memory.status.ok


async def test_blank_texts_are_neither_recalled_nor_remembered(
    memory: Memory, embed: Embedder
) -> None:
    assert await memory.recall(" \n") == []
    await memory.remember([replace(POSED, task="")])
    await memory.remember([])
    assert embed.asked == []


async def test_hostile_texts_come_back_clean_and_long_ones_cut(memory: Memory) -> None:
    hostile = Experience("\udc80\0", 1, "failure", "a\udc80\0 b", "c\ud800" * 50_000, "e" * 50_000)
    await memory.remember([hostile])
    (found,) = await memory.recall("a\udc80\0 b")
    assert found.task == "a?\0 b"
    assert len(found.code.encode()) <= 16 << 10
    assert len(found.error) <= 4 << 10


async def test_memories_outlive_the_process(embed: Embedder, folder: Path) -> None:
    async with opened(embed, folder) as first:
        await first.remember([FAILED, POSED])
    async with opened(embed, folder) as second:
        assert await second.count() == 2
        assert [item.kind for item in await second.recall(REVERSE)] == ["failure"]
        await second.remember([FAILED, PASSED])
        assert await second.count() == 3


async def test_a_model_with_another_size_of_vectors_just_works(
    memory: Memory, embed: Embedder
) -> None:
    await memory.remember([FAILED])
    embed.size = 32
    assert await memory.recall(REVERSE) == []
    await memory.remember([PASSED])
    assert [item.kind for item in await memory.recall(REVERSE)] == ["pattern"]
    embed.size = 64
    assert [item.kind for item in await memory.recall(REVERSE)] == ["failure"]
    assert await memory.count() == 2


async def test_each_embedding_model_has_memories_of_its_own(embed: Embedder, folder: Path) -> None:
    async with opened(embed, folder, "one") as first:
        await first.remember([FAILED])
    async with opened(embed, folder, "two") as second:
        assert await second.recall(REVERSE) == []
        assert await second.count() == 0


async def test_a_folder_in_use_by_another_is_off_with_that_reason_until_it_is_free(
    embed: Embedder, folder: Path
) -> None:
    clock = Clock()
    async with opened(embed, folder, gate=Gate(clock=clock)) as second:
        async with opened(embed, folder) as first:
            await first.remember([FAILED])
            assert await second.recall(REVERSE) == []
            assert second.status.ok is False
            assert "in use by another process" in second.status.reason
            assert "QDRANT_URL" in second.status.remedy
            with pytest.raises(UnavailableError, match="in use by another process"):
                await second.remember([PASSED])
        clock.now += 60
        assert len(await second.recall(REVERSE)) == 1
        assert not second.status.reason


async def test_a_memory_that_is_switched_off_touches_nothing(embed: Embedder, folder: Path) -> None:
    async with opened(embed, folder, enabled=False) as memory:
        await memory.remember([FAILED])
        assert await memory.recall(REVERSE) == []
        assert await memory.nearest(REVERSE) == []
        assert await memory.count() == 0
        assert (memory.status.ok, memory.status.reason) == (False, "switched off")
    assert embed.asked == []
    assert not folder.exists()


async def test_without_embeddings_the_memory_is_off_and_costs_nothing(
    embed: Embedder, folder: Path
) -> None:
    embed.fault = UnavailableError("ollama", "connection refused", remedy="start it")
    async with opened(embed, folder, gate=Gate(clock=Clock())) as memory:
        for _ in range(5):
            assert await memory.recall(REVERSE) == []
        assert len(embed.asked) == 1
        assert memory.status.reason == "ollama: connection refused"
        assert memory.status.remedy == "start it"
        with pytest.raises(UnavailableError, match="connection refused") as caught:
            await memory.remember([FAILED])
        assert caught.value.retry_after == 2.0


async def test_one_text_that_cannot_be_embedded_does_not_switch_the_memory_off(
    memory: Memory, embed: Embedder
) -> None:
    await memory.remember([FAILED])
    embed.fault = BadAnswerError("no numbers")
    assert await memory.recall(REVERSE) == []
    with pytest.raises(BadAnswerError):
        await memory.remember([PASSED])
    embed.fault = None
    assert memory.status.ok
    assert len(await memory.recall(REVERSE)) == 1


async def test_an_embedding_that_is_too_slow_is_not_waited_for(
    embed: Embedder, folder: Path
) -> None:
    embed.delay = 60
    async with opened(embed, folder, embed_timeout=0.05) as memory:
        assert await asyncio.wait_for(memory.recall(REVERSE), 5) == []
        assert "no embedding within 0.05 s" in memory.status.reason


async def test_a_memory_that_is_still_opening_is_not_waited_for_and_not_off(
    embed: Embedder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    opening = EmbeddedStore._client

    def slow(self: EmbeddedStore) -> Any:
        go_on.wait(10)
        return opening(self)

    monkeypatch.setattr(EmbeddedStore, "_client", slow)
    async with opened(embed, folder, timeout=0.05) as memory:
        assert await memory.recall(REVERSE) == []
        assert memory.status.ok is None
        go_on.set()
        await memory.remember([FAILED])
        assert memory.status.ok


async def test_counting_tells_that_the_store_is_there_but_not_that_embeddings_are(
    memory: Memory, embed: Embedder
) -> None:
    assert await memory.count() == 0
    assert memory.status.ok
    embed.fault = UnavailableError("ollama", "connection refused")
    await memory.recall(REVERSE)
    assert await memory.count() == 0
    assert memory.status.reason == "ollama: connection refused"


async def test_a_list_of_collections_that_a_crash_left_half_is_mended(
    embed: Embedder, folder: Path
) -> None:
    async with opened(embed, folder) as first:
        await first.remember([FAILED])
    for half in (b"", b'{"collections": {"aim'):
        (folder / "meta.json").write_bytes(half)
        async with opened(embed, folder) as second:
            await second.remember([PASSED])
            assert await second.count() == 2


async def test_a_broken_store_is_off_and_says_what_to_do(embed: Embedder, folder: Path) -> None:
    async with opened(embed, folder) as first:
        await first.remember([FAILED])
    (storage,) = folder.rglob("storage.sqlite")
    sound = storage.read_bytes()
    storage.write_bytes(b"not a database, but longer than its header" * 100)
    clock = Clock()
    async with opened(embed, folder, gate=Gate(clock=clock)) as memory:
        assert await memory.recall(REVERSE) == []
        assert "not a database" in memory.status.reason
        assert "move the folder away" in memory.status.remedy
        with pytest.raises(UnavailableError):
            await memory.count()
        storage.write_bytes(sound)
        clock.now += 60
        assert await memory.recall(REVERSE)


async def test_a_full_disk_is_told_and_loses_nothing(embed: Embedder, tmp_path: Path) -> None:
    disk, clock, kept = tmp_path / "disk", Clock(), 0
    with small_disk(disk, "200k"):
        async with opened(embed, disk / "memory", gate=Gate(clock=clock)) as memory:
            with contextlib.suppress(UnavailableError):
                for kept in range(1000):
                    await memory.remember([replace(PASSED, task_id=str(kept), code="x" * 9000)])
            assert "disk" in memory.status.reason
            assert 0 < kept < 100
            assert await memory.recall(REVERSE) == []  # shut for a while
            resize(disk, "2m")
            clock.now += 60
            await memory.remember([PASSED])
            assert await memory.count() == kept + 1


async def test_a_folder_that_cannot_be_made_is_off(embed: Embedder, folder: Path) -> None:
    folder.write_text("")
    async with opened(embed, folder) as memory:
        assert await memory.recall(REVERSE) == []
        assert "FileExistsError" in memory.status.reason


def test_the_library_is_imported_only_when_something_is_recalled_or_remembered() -> None:
    look = "import sys, aimesh.services.memory; sys.exit('qdrant_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


async def test_a_full_store_forgets_its_oldest(folder: Path) -> None:
    store = EmbeddedStore(folder, most=20, forget=8)
    for number in range(30):
        payload = {"kind": "task", "at": float(number), "n": number}
        point = Point(f"00000000-0000-0000-0000-{number:012}", [1.0, float(number)], payload)
        await store.add("aimesh-words-2", 2, [point])
    kept = await store.nearest("aimesh-words-2", [0.0, 1.0], 100, ())
    assert sorted(found.payload["n"] for found in kept) == list(range(16, 30))
    assert await store.count("words") == 14
    await store.close()


async def test_killed_again_and_again_it_keeps_what_it_has_acknowledged(
    embed: Embedder, folder: Path
) -> None:
    safe = -1
    for acknowledged in (0, 1, 2, 9, 25):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.rememberer", str(folder), str(max(0, safe)), stdout=PIPE
        )
        assert process.stdout is not None
        for _ in range(acknowledged):
            safe = int(await process.stdout.readline())
        process.kill()
        for line in (await process.stdout.read()).split():
            safe = int(line)
        await process.wait()
    async with opened(embed, folder) as memory:
        # one more may have been kept without the time to say so
        assert safe + 1 <= await memory.count() <= safe + 2
        for number in range(safe + 1):
            wanted = experience(number)
            found = await memory.recall(wanted.task, limit=10, kinds=[wanted.kind])
            texts = [(item.task, item.code, item.error) for item in found]
            assert (wanted.task, wanted.code, wanted.error) in texts
