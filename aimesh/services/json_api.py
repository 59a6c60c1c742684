"""The door to an HTTP API that is asked for what it may tell, and can do without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx


class JsonApi:
    """Gets JSON objects; where the API does not answer with one, there is nothing in it.

    Arguments:
        url: of the server.
        timeout: seconds.
        failed: told of each path that was not answered, and of what went wrong.
        headers: of every request.
    """

    def __init__(
        self,
        url: str,
        timeout: float,
        failed: Callable[[str, Exception], None],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, timeout=timeout, headers=headers, trust_env=False
        )
        self._failed = failed

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the object at a path, an empty one where there is none."""
        return await self._asked("GET", path, params=query)

    async def rows(self, path: str, key: str, **query: str) -> list[dict[str, Any]]:
        """Return the objects in a list that the object at a path has under a key."""
        found = (await self.get(path, **query)).get(key)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    async def post(self, path: str, body: Any) -> dict[str, Any]:
        """Return the object that a path answers to a body, an empty one where there is none."""
        return await self._asked("POST", path, json=body)

    async def _asked(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, path, **options)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
            self._failed(path, exc)
            return {}
        return found if isinstance(found, dict) else {}
