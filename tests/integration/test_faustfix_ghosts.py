"""A worker that does not know yet that its partition has moved, and writes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from aimesh.errors import LeaseLostError
from aimesh.faustfix import MeshTable, lease
from tests.faustapps import new_reading, new_topic, reading
from tests.waiting import until


def persisted(table: MeshTable, changelog: TP) -> int | None:
    """Up to where the worker's own copy of a table has its changelog."""
    store: Any = table.data
    offset: int | None = store.persisted_offset(changelog)
    return offset


async def test_what_another_worker_wrote_in_between_is_read_at_the_next_recovery(
    kafka: str, tmp_path: Path
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    table = found.app.table("t", 1, "A table.")
    changelog = TP(table.changelog_topic_name, 0)
    async with reading(found):
        await until(lambda: found.app.rebalancing_count and not found.app.rebalancing, 30)
        await table.put("own", 1, 0)
        async with AIOKafkaProducer(bootstrap_servers=kafka) as another:
            await another.send_and_wait(changelog.topic, b"2", b'"another"', partition=0)
        await table.put("own", 2, 0)
        await until(lambda: table.look("own", 0) == 2)
        # the claim, and the own one before the other's
        assert persisted(table, changelog) == 1
    again = new_reading(kafka, tmp_path, topic)
    table = again.app.table("t", 1, "A table.")
    async with reading(again):
        await until(lambda: again.app.rebalancing_count and not again.app.rebalancing, 30)
        assert table.look("another", 0) == 2
        assert table.look("own", 0) == 2
        assert persisted(table, changelog) == 4
        # from here on there is no gap again
        await table.put("own", 3, 0)
        await until(lambda: persisted(table, changelog) == 5)


async def test_a_worker_that_was_away_for_too_long_writes_nothing_until_it_is_heard_again(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await new_topic(kafka)
    found = new_reading(kafka, tmp_path, topic)
    table = found.app.table("t", 1, "A table.")
    clock = lease.now
    async with reading(found):
        assert (await table.put("a", 1, 0)).offset == 1
        # all of the session's time-out has gone by since the group was heard of
        away = found.app.conf.broker_session_timeout
        monkeypatch.setattr(lease, "now", lambda: clock() + away)
        with monkeypatch.context() as unheard:
            # a heartbeat may be answered at this very moment
            unheard.setattr(found.app.lease, "renew", lambda *_: None)
            with pytest.raises(LeaseLostError):
                await table.put("a", 2, 0)
        generation = found.app.consumer_generation_id
        await until(lambda: found.app.lease.holds(generation))
        assert (await table.put("a", 3, 0)).offset == 2
