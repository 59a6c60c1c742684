"""Probes for whoever supervises the worker: is it alive, is it ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from aimesh.health import Health
from aimesh.records import now
from aimesh.version import __version__


def routes(
    health: Health, connections: Callable[[], int] = lambda: 0
) -> list[web.AbstractRouteDef]:
    """Return ``/livez``, ``/readyz`` and ``/health``.

    Arguments:
        health: tells the truth.
        connections: how many clients watch the telemetry's streams.
    """

    async def livez(request: web.Request) -> web.Response:
        """Return that this process answers."""
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        """Return whether all works, else what is missing, and of services that are away since when.

        ``verbose``: the same of everything, and what work waits for.
        """
        missing = health.missing()
        body: dict[str, Any] = {
            "ready": not missing,
            "not_ready": missing,
            "away": health.away(),
        }
        if "verbose" in request.query:
            body |= {
                "checks": health.checks(),
                "services": health.services(),
                "waiting": health.waiting(),
            }
        return web.json_response(body, status=503 if missing else 200)

    async def status(request: web.Request) -> web.Response:
        """Return how this worker is."""
        ready = health.is_ready()
        return web.json_response(
            {
                "status": "healthy" if ready else "starting",
                "timestamp": now(),
                "version": __version__,
                "active_connections": connections(),
                "checks": health.checks(),
            }
        )

    return [
        web.get("/livez", livez),
        web.get("/readyz", readyz),
        web.get("/health", status),
    ]
