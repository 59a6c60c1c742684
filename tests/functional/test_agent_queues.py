"""Queues of agents that have none: made once, or waited for with a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from aimesh.errors import MeshError, UnavailableError
from aimesh.services import queues
from aimesh.services.queues import Queues
from aimesh.services.reading import Brokers
from aimesh.topics import Layout


class Cluster:
    """A cluster's topics, and what it says to whoever makes one."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.made: list[tuple[str, int]] = []
        self.refusal: Exception | None = None
        self.asked = 0

    async def partitions(self, names: Iterable[str]) -> dict[str, int]:
        self.asked += 1
        return dict.fromkeys(self.topics.intersection(names), 3)

    async def ensure(self, layouts: Iterable[Layout], replication: int) -> None:
        if self.refusal:
            raise self.refusal
        self.made += [(layout.name, replication) for layout in layouts]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()

    @asynccontextmanager
    async def connected(_: Brokers) -> AsyncIterator[Cluster]:
        yield found

    monkeypatch.setattr(queues, "connected", connected)
    return found


@pytest.fixture
def made() -> Queues:
    return Queues(Brokers("nowhere:1"), "p.", 2)


async def test_a_queue_that_is_missing_is_made_once(cluster: Cluster, made: Queues) -> None:
    for _ in range(2):
        assert await made.ensure("The Planner") == "p.agent-queue-the-planner"
    assert (cluster.made, cluster.asked) == ([("p.agent-queue-the-planner", 2)], 1)


async def test_a_queue_that_is_there_is_left_as_it_is(cluster: Cluster, made: Queues) -> None:
    cluster.topics.add("p.agent-queue-a")
    await made.ensure("a")
    assert cluster.made == []


@pytest.mark.parametrize("refusal", [MeshError("not authorized"), UnavailableError("kafka", "off")])
async def test_a_queue_that_cannot_be_made_is_waited_for_with_the_reason(
    cluster: Cluster, made: Queues, refusal: MeshError
) -> None:
    cluster.refusal = refusal
    with pytest.raises(UnavailableError, match=r"not authorized|off") as raised:
        await made.ensure("a")
    if refusal is not raised.value:
        assert raised.value.remedy == "create p.agent-queue-a, or let AI-Mesh create topics"
    cluster.refusal = None
    assert await made.ensure("a") == "p.agent-queue-a"
