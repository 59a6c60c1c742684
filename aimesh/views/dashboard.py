"""The pages for people, and the files that they are made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

import web as pages
from aimesh.settings import Settings
from aimesh.version import __version__
from aimesh.views import security
from aimesh.views.problems import Problem

FOLDER = Path(pages.__file__).parent
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
    ".md": "text/plain",
}


PAGES = {
    "/": "mesh.html",
    "/tasks": "tasks.html",
    "/tasks/{task_id}": "task.html",
    "/agents": "agents.html",
    "/errors": "errors.html",
    "/traces": "traces.html",
    "/traces/{trace_id}": "trace.html",
    "/governor": "governor.html",
    "/dead-letters": "letters.html",
    "/sandbox": "sandbox.html",
    "/audit": "audit.html",
    security.UNLOCK: "unlock.html",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str
    etag: str


def routes(settings: Settings) -> list[web.RouteDef]:
    """Return the routes of the pages and of their files."""
    views = Pages(settings)
    return [
        *(web.get(path, views.page(template)) for path, template in PAGES.items()),
        web.post(security.UNLOCK, views.unlocked),
        web.get("/static/{name:.+}", views.static),
    ]


class Pages:
    """Renders the pages; holds their files in memory, so that no path can lead elsewhere."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.api_token
        self._assets = dict(_assets(FOLDER / "static"))
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            # a page and its scripts change together: at the next start
            auto_reload=False,
            undefined=jinja2.StrictUndefined,
        )

    def page(self, template: str) -> Handler:
        """Return what answers with a page; what its address names is handed to the template."""

        async def view(request: web.Request) -> web.Response:
            return self._page(template, **request.match_info)

        return view

    async def unlocked(self, request: web.Request) -> web.Response:
        """Note that the browser has shown the token, as the guard has seen."""
        response = web.Response(status=204)
        if self._token:
            security.remember(request, response, self._token)
        return response

    async def static(self, request: web.Request) -> web.Response:
        """Return a file; a browser asks each time whether it has changed."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise Problem(404, "No such file", f"there is no file {request.path!r}")
        headers = {"ETag": f'"{asset.etag}"', "Cache-Control": "no-cache"}
        known = request.if_none_match or ()
        if any(tag.value in (asset.etag, "*") for tag in known):
            return web.Response(status=304, headers=headers)
        charset = "utf-8" if asset.content_type.startswith("text/") else None
        return web.Response(
            body=asset.body, content_type=asset.content_type, charset=charset, headers=headers
        )

    def _page(self, name: str, **named: str) -> web.Response:
        text = self._templates.get_template(name).render(
            version=__version__, needs_token=bool(self._token), **named
        )
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=text, content_type="text/html", headers=headers)


def _assets(folder: Path) -> list[tuple[str, Asset]]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (content_type := TYPES.get(path.suffix)):
            body = path.read_bytes()
            etag = hashlib.sha256(body).hexdigest()[:16]
            found.append((path.relative_to(folder).as_posix(), Asset(body, content_type, etag)))
    return found
