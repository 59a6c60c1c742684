"""What is answered until Kafka is there for the first time: for what is waited, and since when."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from aimesh.services.status import ServiceStatus
from aimesh.views import streams
from aimesh.views.problems import Problem

HELD = ("/api/", "/ws/")
# its clients wait for the feed, which waits for Kafka: they need not come again
WAITS_ITSELF = frozenset({streams.PATH})


class Starting:
    """Answers what needs the mesh with 503 while this worker waits for Kafka at its start.

    Pages, their files, probes and the description of the API are served all the same.

    Arguments:
        begun: tells whether Kafka was there, so that the roles have begun.
        broker: returns how Kafka is.
        address: of the brokers, as ``host:port`` separated by commas.
    """

    def __init__(
        self, begun: Callable[[], bool], broker: Callable[[], ServiceStatus], address: str
    ) -> None:
        self._begun = begun
        self._broker = broker
        self._address = address

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through, or say what it waits for."""
        if self._begun() or not request.path.startswith(HELD) or request.path in WAITS_ITSELF:
            return await handler(request)
        status = self._broker()
        if status.ok:
            raise Problem(503, "Not ready", "this worker is starting, try again shortly")
        raise Problem(
            503,
            "Not available",
            f"waiting for Kafka at {self._address} since {status.since}",
            service=status.name,
            since=status.since,
        )
