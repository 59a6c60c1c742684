"""Probes for whoever supervises the worker: is it alive, is it ready."""

from __future__ import annotations

from collections.abc import Callable

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
        return web.Response(text="ok\n")

    async def readyz(request: web.Request) -> web.Response:
        checks = health.checks()
        ready = all(check["ok"] for check in checks)
        body = {"ready": ready, "checks": checks, "waiting": health.waiting()}
        if "verbose" not in request.query:
            body = {"ready": ready, "not_ready": [c["name"] for c in checks if not c["ok"]]}
        return web.json_response(body, status=200 if ready else 503)

    async def status(request: web.Request) -> web.Response:
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
