"""What a worker writes after its partition was given to another one: it counts for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from aimesh.core.epochs import CLAIM, Epoch, Fence
from aimesh.faustfix import MeshTable
from aimesh.faustfix.recovery import MeshRecovery
from aimesh.faustfix.table_writer import TableWriter
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import Brokers, Record, TopicReader
from tests.faustapps import new_reading, new_topic, reading


class Owned:
    """A topic with a table, which one worker after the other owns."""

    def __init__(self, kafka: str, folder: Path, topic: str) -> None:
        self.kafka, self.folder, self.topic = kafka, folder, topic
        self.changelog = TP("", 0)

    @asynccontextmanager
    async def by(self, worker: str) -> AsyncIterator[MeshTable]:
        """Own it, with what a worker has on its disk."""
        found = new_reading(self.kafka, self.folder / worker, self.topic, name=f"{self.topic}-app")
        table = found.app.table("t", 1, "A table.")
        self.changelog = TP(table.changelog_topic_name, 0)
        async with reading(found):
            yield table

    async def late(self, epoch: Epoch, changes: dict[bytes, bytes | None]) -> None:
        """Write as an owner of that epoch, from outside."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            for key, value in changes.items():
                headers = epoch.headers()
                await producer.send_and_wait(*self.changelog[:1], value, key, 0, headers=headers)

    async def records(self) -> list[Record]:
        """Return all that the changelog has."""
        admin = KafkaAdmin(self.kafka)
        await admin.start()
        try:
            end = (await admin.ends({self.changelog.topic: 1}))[self.changelog]
        finally:
            await admin.close()
        async with TopicReader(Brokers(self.kafka)) as reader:
            batches = reader.through({self.changelog: (0, end)})
            return [record async for batch in batches for record in batch]

    async def epochs(self) -> list[Epoch]:
        """Return the epochs in which the changelog's records were written, each once."""
        fence, found = Fence(), dict[Epoch, None]()
        for record in await self.records():
            fence.admits(record.headers)
            found[fence.epoch] = None
        return list(found)

    async def newest(self) -> dict[bytes, bytes | None]:
        """Return the last value of every key, as compaction would leave it."""
        return {r.key or b"": r.value for r in await self.records() if r.key != CLAIM}


@pytest.fixture
async def owned(kafka: str, tmp_path: Path) -> Owned:
    return Owned(kafka, tmp_path, await new_topic(kafka))


def state(table: MeshTable) -> dict[str, Any]:
    """Return what a worker's own copy of the table has."""
    return {key: value for _, key, value in table.slice_after(b"", 100, 0)}


def while_reading(
    monkeypatch: pytest.MonkeyPatch, go_on: Callable[[MeshTable], Awaitable[None]]
) -> None:
    """Have something done with the table when its end is known, and before it is read to there."""
    build = MeshRecovery._build_offsets

    async def building(self: MeshRecovery, *args: Any) -> None:
        await build(self, *args)
        for table in self.actives_for_table:
            assert isinstance(table, MeshTable)
            await go_on(table)

    monkeypatch.setattr(MeshRecovery, "_build_offsets", building)


async def test_every_owner_writes_in_an_epoch_of_its_own(owned: Owned) -> None:
    async with owned.by("first") as table:
        await table.put("a", 1, 0)
    async with owned.by("second") as table:
        await table.put("a", 2, 0)
    async with owned.by("first") as table:
        await table.put("a", 3, 0)
    epochs = await owned.epochs()
    assert [epoch.number for epoch in epochs] == [1, 2, 3]
    assert len({epoch.owner for epoch in epochs}) == 3
    keys = [record.key for record in await owned.records()]
    assert keys == [CLAIM, b'"a"'] * 3


@pytest.mark.parametrize("next_owner", ["first", "second", "third"])
async def test_what_a_former_owner_writes_late_is_left_out_and_written_over(
    owned: Owned, next_owner: str
) -> None:
    async with owned.by("first") as table:
        for key in ("changed", "dropped", "kept"):
            await table.put(key, 1, 0)
    (first,) = await owned.epochs()
    async with owned.by("second") as table:
        await table.put("changed", 2, 0)
        await table.drop("dropped", 0)
        late = {b'"changed"': b"1", b'"dropped"': b"1", b'"kept"': None, b'"new"': b"1"}
        await owned.late(first, late)
        await table.put("after", 2, 0)
        assert state(table) == {"changed": 2, "kept": 1, "after": 2}
    # whichever worker comes next, with what it has on its disk or with none
    async with owned.by(next_owner) as table:
        assert state(table) == {"changed": 2, "kept": 1, "after": 2}
    newest = await owned.newest()
    assert {key: value for key, value in newest.items() if value is not None} == {
        b'"changed"': b"2",
        b'"kept"': b"1",
        b'"after"': b"2",
    }


async def test_a_late_write_is_left_out_though_the_copy_ends_right_before_it(owned: Owned) -> None:
    async with owned.by("first") as table:
        await table.put("a", 1, 0)
    (first,) = await owned.epochs()
    async with owned.by("second") as table:
        await table.put("a", 2, 0)
    await owned.late(first, {b'"a"': b"1"})
    async with owned.by("second") as table:
        assert state(table) == {"a": 2}
    assert await owned.newest() == {b'"a"': b"2"}


async def test_what_comes_between_the_end_that_was_read_and_the_claim_is_read_too(
    owned: Owned, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owned.by("first") as table:
        await table.put("a", 1, 0)
    (first,) = await owned.epochs()
    claim, claims = TableWriter.claim, list[int]()

    async def overtaken(self: TableWriter, partition: int) -> None:
        claims.append(partition)
        if len(claims) == 1:
            await owned.late(first, {b'"a"': b"2", b'"b"': b"2", b'"own"': b"2"})
        await claim(self, partition)

    async def go_on(table: MeshTable) -> None:
        if len(claims) == 1:
            await table.put("own", 3, 0)

    monkeypatch.setattr(TableWriter, "claim", overtaken)
    while_reading(monkeypatch, go_on)
    for worker in ("second", "third"):
        async with owned.by(worker) as table:
            assert state(table) == {"a": 2, "b": 2, "own": 3}
    assert claims == [0, 0, 0]


async def test_own_writes_while_the_tables_are_read_are_newer_than_what_is_read(
    owned: Owned, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owned.by("first") as table:
        await table.put("a", 1, 0)
    tables = list[MeshTable]()

    async def go_on(table: MeshTable) -> None:
        if not tables:
            tables.append(table)
            await table.put("a", 2, 0)

    while_reading(monkeypatch, go_on)
    async with owned.by("second") as table:
        assert tables == [table]
        assert state(table) == {"a": 2}
        end = len(await owned.records()) - 1
        assert table.local.persisted_offset(owned.changelog) == end
    async with owned.by("third") as table:
        assert state(table) == {"a": 2}
