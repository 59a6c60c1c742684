"""What Kafka's coordinators answer, and what is made of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import CoordinatorLoadInProgressError, NotCoordinatorError

from aimesh.errors import UnavailableError
from aimesh.services.kafka import KafkaAdmin


class Cluster:
    """A connection to two brokers, one of which keeps a group's offsets."""

    def __init__(self) -> None:
        self.coordinator, self.code = 1, 0
        self.searches = 0

    async def find_coordinator(self, group: str) -> int:
        self.searches += 1
        return self.coordinator

    async def _send_request(self, request: Any, node: int) -> Any:
        code = self.code if node == self.coordinator else NotCoordinatorError.errno
        topics = [] if code else [("tasks", [(0, 7, "", 0), (1, 9, "", 0)])]
        return SimpleNamespace(error_code=code, topics=topics)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def admin(cluster: Cluster) -> KafkaAdmin:
    made = KafkaAdmin("nowhere:9092")
    made._admin, made._consumer = cluster, object()
    return made


async def test_a_groups_coordinator_is_looked_for_once(cluster: Cluster, admin: KafkaAdmin) -> None:
    for _ in range(3):
        assert await admin.committed("readers") == {("tasks", 0): 7, ("tasks", 1): 9}
    assert cluster.searches == 1


async def test_a_coordinator_that_has_moved_is_looked_for_again(
    cluster: Cluster, admin: KafkaAdmin
) -> None:
    await admin.committed("readers")
    cluster.coordinator = 2
    with pytest.raises(UnavailableError, match="readers are not told: NotCoordinatorForGroupError"):
        await admin.committed("readers")
    assert await admin.committed("readers") == {("tasks", 0): 7, ("tasks", 1): 9}
    assert cluster.searches == 2


async def test_a_coordinator_that_loads_is_not_taken_for_a_group_without_offsets(
    cluster: Cluster, admin: KafkaAdmin
) -> None:
    cluster.code = CoordinatorLoadInProgressError.errno
    with pytest.raises(UnavailableError, match="GroupLoadInProgressError"):
        await admin.committed("readers")
