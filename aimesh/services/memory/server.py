"""The memory's store on a Qdrant server."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aimesh.errors import UnavailableError
from aimesh.services.memory.store import Found, Point, is_of_model

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.models import Filter

SERVER_TIMEOUT = 10  # whole seconds, the client knows no others
REMEDY = "start Qdrant, or correct QDRANT_URL; unset it for the embedded memory"


class ServerStore:
    """Collections with cosine distance on the Qdrant server at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: AsyncQdrantClient | None = None
        self._known: set[str] = set()

    async def open(self) -> None:
        """Import the library, which takes a second, off the event loop."""
        await asyncio.to_thread(importlib.import_module, "qdrant_client")

    async def add(self, collection: str, size: int, points: Sequence[Point]) -> None:
        """Keep points, in a collection that is made when missing."""
        from qdrant_client.http.exceptions import UnexpectedResponse
        from qdrant_client.models import PointStruct

        new = [PointStruct(id=p.id, vector=p.vector, payload=p.payload) for p in points]
        async with self._asked() as client:
            if collection in self._known:
                try:
                    await client.upsert(collection, new, wait=True)
                    return
                except UnexpectedResponse as exc:
                    if exc.status_code != 404:  # 404: someone has dropped it
                        raise
            await self._ensure(client, collection, size)
            await client.upsert(collection, new, wait=True)
            self._known.add(collection)

    async def nearest(
        self, collection: str, vector: list[float], limit: int, kinds: Sequence[str]
    ) -> list[Found]:
        """The nearest points; none when the collection is not there yet."""
        from qdrant_client.http.exceptions import UnexpectedResponse

        async with self._asked() as client:
            try:
                answer = await client.query_points(
                    collection, query=vector, limit=limit, query_filter=_filter(kinds)
                )
            except UnexpectedResponse as exc:
                if exc.status_code == 404:
                    return []
                raise
            return [Found(point.payload or {}, point.score) for point in answer.points]

    async def count(self, model: str) -> int:
        """How many points the collections of one embedding model hold."""
        async with self._asked() as client:
            names = [item.name for item in (await client.get_collections()).collections]
            counts = [await client.count(name) for name in names if is_of_model(name, model)]
            return sum(found.count for found in counts)

    async def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _ensure(self, client: AsyncQdrantClient, collection: str, size: int) -> None:
        """Make a collection and its indexes. Several workers may do so at once."""
        from qdrant_client.http.exceptions import UnexpectedResponse
        from qdrant_client.models import Distance, PayloadSchemaType, VectorParams

        if not await client.collection_exists(collection):
            try:
                await client.create_collection(
                    collection, vectors_config=VectorParams(size=size, distance=Distance.COSINE)
                )
            except UnexpectedResponse as exc:
                if exc.status_code != 409:  # 409: another worker was faster
                    raise
        for name in ("kind", "task_id"):
            await client.create_payload_index(collection, name, PayloadSchemaType.KEYWORD)

    def _client(self) -> AsyncQdrantClient:
        from qdrant_client import AsyncQdrantClient

        if self._made is None:
            # the check of versions would ask in a thread of its own, and warn without an answer
            self._made = AsyncQdrantClient(
                url=self._url, timeout=SERVER_TIMEOUT, check_compatibility=False, trust_env=False
            )
        return self._made

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[AsyncQdrantClient]:
        """The client, with its errors translated."""
        from qdrant_client.common.client_exceptions import (
            QdrantException,
            ResourceExhaustedResponse,
        )
        from qdrant_client.http.exceptions import ApiException

        try:
            yield self._client()
        except ResourceExhaustedResponse as exc:
            wait = float(exc.retry_after_s)
            raise UnavailableError("memory", f"{self._url}: {exc}", retry_after=wait) from exc
        # the last two: the client lets them through when an answer is not what it expects
        except (ApiException, QdrantException, ValueError, AssertionError) as exc:
            reason = f"{self._url}: {_reason(exc)}"
            raise UnavailableError("memory", reason, remedy=REMEDY) from exc


def _filter(kinds: Sequence[str]) -> Filter | None:
    from qdrant_client.models import FieldCondition, Filter, MatchAny

    if not kinds:
        return None
    return Filter(must=[FieldCondition(key="kind", match=MatchAny(any=list(kinds)))])


def _reason(exc: Exception) -> str:
    """What went wrong in one line: the server's own words where it had some."""
    from qdrant_client.http.exceptions import UnexpectedResponse

    if not isinstance(exc, UnexpectedResponse):
        return " ".join(str(getattr(exc, "source", exc)).split())[:300]
    try:
        text = str(exc.structured()["status"]["error"])
    except (ValueError, LookupError, TypeError):
        text = exc.content[:200].decode("utf-8", "replace")
    return f"HTTP {exc.status_code}: {text}"
