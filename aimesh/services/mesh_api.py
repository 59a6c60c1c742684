"""The door to a running mesh's API."""

from __future__ import annotations

import asyncio
from time import monotonic
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx

from aimesh.errors import MeshError, SettingsError, UnavailableError

PATIENCE = 10.0
# a worker that has just started reads its tables first
STARTING = 15.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class RefusedError(MeshError):
    """The mesh does not do what it was asked for."""


class MeshApi:
    """Asks the worker that serves the web; use it as an asynchronous context.

    Arguments:
        url: its address, such as ``http://127.0.0.1:6066``.
        token: the value of AIMESH_API_TOKEN, empty for none.

    Raises:
        SettingsError: the address is none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"{url!r} is no address: it must look like http://127.0.0.1:6066")
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=PATIENCE,
            # a proxy has no business between a machine and itself
            trust_env=parts.hostname not in _LOOPBACK,
        )

    async def __aenter__(self) -> MeshApi:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **parameters: Any) -> Any:
        """Ask for something below ``/api/v1/mesh``, waiting for a worker that is just starting.

        Arguments:
            path: such as ``tasks``; one that begins with ``/`` is taken from the root.
            parameters: of the query; None and empty ones are left out.

        Raises:
            UnavailableError: no mesh answers there, or it is not ready.
            RefusedError: the mesh says why it does not answer that.
        """
        wanted = {name: value for name, value in parameters.items() if value not in (None, "")}
        until = monotonic() + STARTING
        while True:
            answer = await self._asked(path, wanted)
            if answer.status_code != 503 or monotonic() > until:
                return self._read(answer)
            await asyncio.sleep(0.5)

    async def _asked(self, path: str, parameters: dict[str, Any]) -> httpx.Response:
        try:
            whole = path if path.startswith("/") else f"/api/v1/mesh/{path}"
            return await self._client.get(whole, params=parameters)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            remedy = "start one with `aimesh up`, or name its address with --url"
            raise UnavailableError(
                "worker", f"no mesh answers at {self._url}", remedy=remedy
            ) from exc

    def _read(self, answer: httpx.Response) -> Any:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.is_success and body is not None:
            return body
        detail = body.get("detail") if isinstance(body, dict) else None
        if answer.status_code == 503:
            raise UnavailableError("worker", str(detail or "the mesh is not ready"))
        if answer.status_code in (401, 403):
            raise RefusedError(f"{self._url} refuses: {detail or 'set AIMESH_API_TOKEN'}")
        if detail:
            raise RefusedError(str(detail))
        remedy = "name the address of the dashboard with --url"
        raise UnavailableError("worker", f"what answers at {self._url} is no mesh", remedy=remedy)
