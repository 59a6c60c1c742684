"""What the memory needs of a vector store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Point:
    """One thing to keep. ``id`` is a UUID: the same id again replaces, never adds."""

    id: str
    vector: list[float]
    payload: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """One thing found. ``score`` is the cosine similarity to what was asked for."""

    payload: dict[str, Any]
    score: float


class Store(Protocol):
    """Keeps points in collections, each of vectors of one size.

    Every method raises UnavailableError when the store cannot be reached or used.
    """

    async def open(self) -> None:
        """Get ready; again without effect."""

    async def add(self, collection: str, size: int, points: Sequence[Point]) -> None:
        """Keep points, in a collection that is made when missing."""

    async def nearest(
        self, collection: str, vector: list[float], limit: int, kinds: Sequence[str]
    ) -> list[Found]:
        """The nearest points, best first, of the given kinds (none given: of all)."""

    async def count(self, model: str) -> int:
        """How many points the collections of one embedding model hold."""

    async def close(self) -> None:
        """Let go of files and connections."""


def collection_name(model: str, size: int) -> str:
    """The collection for one embedding model and one size of its vectors."""
    return f"aimesh-{_slug(model)}-{size}"


def is_of_model(collection: str, model: str) -> bool:
    """Is the collection one of this embedding model, whatever the size of its vectors?"""
    return re.fullmatch(rf"aimesh-{_slug(model)}-\d+", collection) is not None


def _slug(model: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", model.lower().removesuffix(":latest")).strip("-")
