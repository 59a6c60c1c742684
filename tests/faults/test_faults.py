"""Nothing is lost and nothing doubled, whatever is done to a mesh: each scenario with one seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.drill import run
from tests.faults.scenarios import SCENARIOS

SEED = 7


@pytest.mark.timeout(500)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_task_ends_once(name: str, tmp_path: Path) -> None:
    found = await run(SCENARIOS[name], tmp_path, SEED, short=True)
    assert found.held, found
    assert not found.stale
