"""The memory's store in a folder of this machine, for one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import math
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from aimesh.errors import UnavailableError
from aimesh.services.memory.store import Found, Point, is_of_model

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.models import ScoredPoint

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST = 10_000  # points in a collection: 300 MB of memory with vectors of 768 numbers
FORGET = 2_000  # how many are forgotten at once when there are more
SPREAD = 16  # how many points are looked at for each one wanted before a filter is used
LOCKED = "set QDRANT_URL to a Qdrant server, which all workers can share"
BROKEN = "look at the disk; move the folder away to begin with an empty memory"


class EmbeddedStore:
    """Qdrant's local mode, in one thread of its own: it computes, and writes to SQLite.

    Vectors are kept at length 1 with the dot product as distance. That is cosine similarity as
    well, and local mode computes it several times faster.

    Arguments:
        folder: where the store lives; made when missing, locked while it is open.
        most: points that a collection may hold; local mode keeps all of them in memory, so that
            the oldest are forgotten beyond this.
        forget: how many are forgotten at once.
    """

    def __init__(self, folder: Path, *, most: int = MOST, forget: int = FORGET) -> None:
        self._folder = folder
        self._most = most
        self._forget = forget
        self._made: QdrantClient | None = None
        self._lock: int | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Lock the folder and load what it holds: a second for each 6,000 points."""
        await self._run(lambda client: None)

    async def add(self, collection: str, size: int, points: Sequence[Point]) -> None:
        """Keep points, in a collection that is made when missing."""
        await self._run(lambda client: self._add(client, collection, size, points))

    async def nearest(
        self, collection: str, vector: list[float], limit: int, kinds: Sequence[str]
    ) -> list[Found]:
        """The nearest points; none when the collection is not there yet."""
        return await self._run(lambda client: _nearest(client, collection, vector, limit, kinds))

    async def count(self, model: str) -> int:
        """How many points the collections of one embedding model hold."""
        return await self._run(lambda client: _count(client, model))

    async def close(self) -> None:
        """Close the files and let go of the folder."""
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
            self._thread.shutdown()
            self._thread = None

    async def _run(self, work: Callable[[QdrantClient], T]) -> T:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._safely, work)

    def _safely(self, work: Callable[[QdrantClient], T]) -> T:
        try:
            return work(self._client())
        except UnavailableError:
            self._drop()
            raise
        except Exception as exc:  # local mode raises whatever it is made of: OSError, sqlite3, ...
            self._drop()
            reason = f"{self._folder}: {type(exc).__name__}: {exc}"
            raise UnavailableError("memory", reason, remedy=BROKEN) from exc

    def _client(self) -> QdrantClient:
        if self._made is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            _mend(self._folder)
            from qdrant_client import QdrantClient

            self._made = QdrantClient(path=str(self._folder))
        return self._made

    def _take_lock(self) -> None:
        """Lock the folder before the client does: it would load everything first, then fail."""
        self._lock = os.open(self._folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            reason = f"{self._folder} is in use by another process"
            raise UnavailableError("memory", reason, remedy=LOCKED) from exc

    def _add(
        self, client: QdrantClient, collection: str, size: int, points: Sequence[Point]
    ) -> None:
        from qdrant_client.models import Distance, PointStruct, VectorParams

        if not client.collection_exists(collection):
            client.create_collection(
                collection, vectors_config=VectorParams(size=size, distance=Distance.DOT)
            )
        new = [PointStruct(id=p.id, vector=_unit(p.vector), payload=p.payload) for p in points]
        client.upsert(collection, new)
        if client.count(collection).count > self._most:
            _forget_oldest(client, collection, self._forget)
            self._drop()  # local mode frees the room only when it loads anew

    def _drop(self) -> None:
        """Close everything, so that the next call begins anew."""
        made, self._made = self._made, None
        lock, self._lock = self._lock, None
        if made is not None:
            with contextlib.suppress(OSError, sqlite3.Error):  # whatever was kept is on disk
                made.close()
        if lock is not None:
            os.close(lock)


def _nearest(
    client: QdrantClient, collection: str, vector: list[float], limit: int, kinds: Sequence[str]
) -> list[Found]:
    """Look at more points than wanted and choose: a filter costs 10 ms for each 1,000 points."""
    from qdrant_client.models import FieldCondition, Filter, MatchAny

    if not client.collection_exists(collection):
        return []
    query = _unit(vector)
    spread = limit * SPREAD if kinds else limit
    seen = client.query_points(collection, query=query, limit=spread).points
    found = [point for point in seen if not kinds or (point.payload or {}).get("kind") in kinds]
    if len(found) < limit and len(seen) == spread and kinds:
        chosen = Filter(must=[FieldCondition(key="kind", match=MatchAny(any=list(kinds)))])
        answer = client.query_points(collection, query=query, limit=limit, query_filter=chosen)
        found = answer.points
    return [_found(point) for point in found[:limit]]


def _forget_oldest(client: QdrantClient, collection: str, number: int) -> None:
    oldest, _ = client.scroll(collection, limit=number, order_by="at", with_payload=False)
    if oldest:
        client.delete(collection, [point.id for point in oldest])
        log.info("the memory is full: its %d oldest experiences were forgotten", len(oldest))


def _count(client: QdrantClient, model: str) -> int:
    names = [item.name for item in client.get_collections().collections]
    return sum(client.count(name).count for name in names if is_of_model(name, model))


def _found(point: ScoredPoint) -> Found:
    return Found(point.payload or {}, point.score)


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [value / length for value in vector] if length else vector


def _mend(folder: Path) -> None:
    """Set aside a list of collections that a crash left half written; a new one is made.

    The points are in files of their own, which the collections find again by their names.
    """
    meta = folder / "meta.json"
    try:
        json.loads(meta.read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        meta.replace(meta.with_name("meta.json.broken"))
        log.warning("%s was broken and was set aside; memories are found again", meta)
