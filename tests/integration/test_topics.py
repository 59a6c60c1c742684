"""Topics are created as the mesh needs them, and refused where they are there in another form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from aimesh.services.kafka import KafkaAdmin, TopicMismatchError
from aimesh.topics import DAY, Layout

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def admin(kafka: str) -> AsyncIterator[KafkaAdmin]:
    admin = KafkaAdmin(kafka)
    await admin.start()
    yield admin
    await admin.close()


async def test_what_is_missing_is_created_and_what_is_there_stays(admin: KafkaAdmin) -> None:
    name = f"t{uuid4().hex[:8]}"
    await admin.ensure([Layout(name, 3, DAY)], 1)
    await admin.ensure([Layout(name, 3, DAY)], 1)
    assert await admin.partitions([name]) == {name: 3}


@pytest.mark.parametrize(
    ("role", "remedy"),
    [
        ("", "the mesh is set to 1: set AIMESH_PARTITIONS=2,"),
        ("crew", "the role crew needs 1: leave crew out of AIMESH_ROLES,"),
    ],
)
async def test_another_number_of_partitions_is_refused_with_what_to_do(
    admin: KafkaAdmin, role: str, remedy: str
) -> None:
    name = f"t{uuid4().hex[:8]}"
    await admin.ensure([Layout(name, 2, DAY)], 1)
    with pytest.raises(TopicMismatchError, match=f"{name} has 2 partitions, {remedy}"):
        await admin.ensure([Layout(name, 1, DAY, only_for=role)], 1)
