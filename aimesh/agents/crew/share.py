"""One application for several stages: each sees it under a name of its own.

Five applications would be five consumer groups, each with its connections and its polling.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from aimesh.faustfix import MeshApp
from aimesh.faustfix.tables import MeshTable


class _Share:
    """An application whose id, and whose tables' names, are one stage's own."""

    def __init__(self, app: MeshApp, name: str) -> None:
        self._app = app
        self._name = name
        self.conf = SimpleNamespace(id=f"{app.conf.id}-{name}")

    def table(self, name: str, partitions: int, purpose: str) -> MeshTable:
        """Declare a table, as `MeshApp.table` does, under this stage's name."""
        return self._app.table(f"{self._name}-{name}", partitions, purpose)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


def share(app: MeshApp, name: str) -> MeshApp:
    """Return an application as one of its stages sees it.

    All topics that the stages read must have the same number of partitions: then Faust assigns
    them together, and a worker that has one agent's queue has all of them.

    Arguments:
        app: the application of all of them.
        name: of the stage; its topics, tables and agents are called after it.
    """
    return cast(MeshApp, _Share(app, name))
