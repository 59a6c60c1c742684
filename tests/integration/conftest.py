"""Fixtures for tests that need a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.kafka import running_kafka


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Where one broker, shared by all tests here, can be reached: use names of your own."""
    async with running_kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap
