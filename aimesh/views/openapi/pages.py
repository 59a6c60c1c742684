"""``/openapi.json``, and ``/docs`` which shows it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
from aiohttp import web

import web as pages
from aimesh.views.openapi.document import document

PATH, PAGE = "/openapi.json", "/docs"
TEMPLATE = Path(pages.__file__).parent / "templates" / "docs.html"


def routes(described: Sequence[web.AbstractRouteDef]) -> list[web.RouteDef]:
    """Return the paths of the description and, where files are served, of its page.

    Arguments:
        described: all other routes.
    """

    async def openapi(request: web.Request) -> web.Response:
        """Return this description."""
        return web.Response(body=body, content_type="application/json")

    async def docs(request: web.Request) -> web.Response:
        """Return the page that shows the description."""
        return web.Response(text=page, content_type="text/html")

    own = [web.get(PATH, openapi)]
    body = orjson.dumps(document([*described, *own]))
    page = TEMPLATE.read_text()
    files = any(isinstance(r, web.RouteDef) and r.path.startswith("/static/") for r in described)
    return [*own, web.get(PAGE, docs)] if files else own
