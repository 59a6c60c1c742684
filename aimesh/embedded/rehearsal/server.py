"""The rehearsal model as an HTTP server that speaks Ollama's API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aimesh.embedded.ports import free_port
from aimesh.embedded.rehearsal import wire
from aimesh.embedded.rehearsal.answering import as_json
from aimesh.embedded.rehearsal.api import OllamaApi
from aimesh.embedded.rehearsal.embedding import DIMENSIONS
from aimesh.embedded.rehearsal.faults import NAMES, Fault, Faults, fault_of
from aimesh.embedded.rehearsal.models import Model
from aimesh.embedded.rehearsal.script import Script
from aimesh.embedded.rehearsal.wire import RefusedError
from aimesh.errors import SettingsError

_HOST = "127.0.0.1"
_MOST_BYTES = 64 << 20


class RehearsalServer:
    """Serves on the loopback interface while it is entered: ``async with RehearsalServer() as s``.

    ``calls`` counts how often each path was asked, ``kinds`` how often each kind of question:
    brainstorm, solve, fix, review, plan, research, write, check, other and embed. ``faults`` can be
    changed at any time.

    Arguments:
        port: where to listen; 0 for a free port.
        latency: seconds that every answer of the model takes; embeddings take none.
        model: the name of the model that answers.
        embed_model: the name of the model that embeds.
        dimensions: the size of its vectors.
        seed: changes the order of the tasks, and which answers are garbage.
        garbage_every: one in this many first answers has no code; 0 for none.
        faults: what goes wrong from the beginning.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        model: str = "gemma3:1b",
        embed_model: str = "nomic-embed-text",
        dimensions: int = DIMENSIONS,
        seed: int = 1,
        garbage_every: int = 25,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.url = ""
        self.calls: Counter[str] = Counter()
        self.faults = Faults(faults, seed=seed)
        self._port = port
        self._api = OllamaApi(
            script=Script(seed=seed, garbage_every=garbage_every),
            faults=self.faults,
            models=(Model(model, embeds=False), Model(embed_model, embeds=True)),
            dimensions=dimensions,
            seed=seed,
            latency=latency,
        )
        self.kinds = self._api.kinds
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> RehearsalServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to serve; ``url`` says where.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application(middlewares=[self._answered], client_max_size=_MOST_BYTES)
        app.router.add_routes(self._api.routes())
        app.router.add_get("/rehearsal/stats", self._stats)
        app.router.add_get("/rehearsal/faults", self._list_faults)
        app.router.add_post("/rehearsal/faults", self._add_faults)
        app.router.add_delete("/rehearsal/faults", self._clear_faults)
        # an answer that hangs ends with its client, or with the server
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await runner.setup()
        try:
            # one that was promised to others is not taken, though nobody listens there yet
            await web.TCPSite(runner, _HOST, self._port or free_port(_HOST)).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.url = f"http://{_HOST}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop serving; answers under way are broken off."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the call, and word a refusal as Ollama does."""
        if not request.path.startswith("/rehearsal/"):
            self.calls[request.path] += 1
        try:
            return await handler(request)
        except RefusedError as exc:
            return as_json({"error": str(exc)}, exc.status)
        except web.HTTPNotFound:
            return web.Response(status=404, text="404 page not found")
        except web.HTTPMethodNotAllowed as exc:
            allowed = {"Allow": ", ".join(sorted(exc.allowed_methods))}
            return web.Response(status=405, text="405 method not allowed", headers=allowed)
        except web.HTTPRequestEntityTooLarge as exc:
            return as_json({"error": "http: request body too large"}, exc.status)

    async def _stats(self, _: web.Request) -> web.StreamResponse:
        return as_json({"calls": dict(self.calls), "kinds": dict(self.kinds)})

    async def _list_faults(self, _: web.Request) -> web.StreamResponse:
        return as_json({"faults": self.faults.described(), "known": NAMES})

    async def _add_faults(self, request: web.Request) -> web.StreamResponse:
        """Add the fault in the body, or all in its ``faults``; ``clear`` ends earlier ones."""
        body = wire.request_body(await request.read())
        clear = wire.field(body, "clear", bool, False)
        body.pop("clear", None)
        wanted: list[Any] = wire.field(body, "faults", list, [body] if body else [])
        try:
            faults = [fault_of(item) for item in wanted]
        except (SettingsError, TypeError, ValueError) as exc:
            raise RefusedError(400, str(exc)) from exc
        if clear:
            self.faults.clear()
        for fault in faults:
            self.faults.add(fault)
        return await self._list_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        self.faults.clear()
        return await self._list_faults(request)
