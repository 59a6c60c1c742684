"""A web server on the loopback address, for what tests let answer there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from aimesh.embedded.ports import free_port

ANY_PATH = "/{path:.*}"
MOST_BYTES = 1 << 26


@asynccontextmanager
async def serving(*routes: web.RouteDef, port: int = 0) -> AsyncIterator[str]:
    """Serve while the body runs; yield the server's address.

    Arguments:
        routes: whose handlers are cancelled when their caller goes away.
        port: 0 for one that is free and promised to nobody.
    """
    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes(routes)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        port = port or free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
