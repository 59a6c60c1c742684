"""The tables of an observer, for views that answer from them."""

from __future__ import annotations

from typing import Protocol, TypeVar

from aimesh.views.problems import Problem

Tables_co = TypeVar("Tables_co", covariant=True)


class Observing(Protocol[Tables_co]):
    """What has tables once they are read."""

    @property
    def ready(self) -> bool:
        """Whether the tables are read."""

    @property
    def tables(self) -> Tables_co:
        """The tables."""


def tables_of(observer: Observing[Tables_co]) -> Tables_co:
    """Return the tables of an observer.

    Raises:
        Problem: they are not read yet.
    """
    if not observer.ready:
        raise Problem(503, "Not ready", "the tables are being recovered, try again shortly")
    return observer.tables
