"""The root application, which hosts all others."""

from __future__ import annotations

from pathlib import Path

import pytest
from mode import ServiceT

from aimesh.root import RootApp


class Broken(RootApp):
    """One whose parts fail while they begin; it may have been told to stop."""

    is_told = False

    def on_init_dependencies(self) -> list[ServiceT]:
        return []

    async def on_first_start(self) -> None:
        if self.is_told:
            self._stopped.set()
        raise RuntimeError("a part cannot begin")


@pytest.fixture
def root(tmp_path: Path) -> Broken:
    return Broken("root", broker="127.0.0.1:1", datadir=tmp_path, identity="here")


async def test_what_fails_because_it_is_told_to_stop_is_no_failure(root: Broken) -> None:
    root.is_told = True
    await root.start()


async def test_what_fails_otherwise_ends_the_worker(root: Broken) -> None:
    with pytest.raises(RuntimeError, match="a part cannot begin"):
        await root.start()
