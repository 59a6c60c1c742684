"""Who may ask: names of this host, pages of our own, and holders of the token."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from aimesh.settings import Settings
from aimesh.views.problems import Problem

UNLOCK = "/unlock"
COOKIE = "aimesh_session"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# a probe knows no token, and who has none needs a page where it can be given
ALWAYS = frozenset({"/livez", UNLOCK})
ALWAYS_BELOW = "/static/"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def protect(app: web.Application, settings: Settings) -> None:
    """Have an application check every request first, and send safe headers with every answer."""
    guard = Guard(settings)
    app.middlewares.insert(0, guard.middleware)
    app.on_response_prepare.append(add_headers)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that keep a browser from doing more with an answer than it should."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


class Guard:
    """Decides whether a request is let through.

    - Its Host must be a name of this host, so that a foreign site cannot be made to look like
      this one by its name server. An address in numbers is nobody's to give out, so any is
      accepted where the server listens off loopback.
    - Its Origin, which a browser sends with what a page asks for, must be this very site.
    - Where a token is set, writes need it, and so do reads where the server listens off loopback.
    """

    def __init__(self, settings: Settings) -> None:
        self._token = settings.api_token
        self._on_loopback = is_loopback(settings.web_bind)
        self._names = {"localhost", settings.web_bind.lower(), *settings.web_hosts}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through, or say why not."""
        refusal = self._refused(request)
        if refusal is None:
            return await handler(request)
        if refusal.status == 401 and "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=303, headers={"Location": UNLOCK})
        response = refusal.response(request)
        if refusal.status == 401:
            response.headers["WWW-Authenticate"] = 'Bearer realm="AI-Mesh"'
        return response

    def _refused(self, request: web.Request) -> Problem | None:
        host = request.headers.get("Host", "")
        if not self._is_ours(host):
            return Problem(
                403,
                "Unknown host",
                f"this server does not answer to {host[:100]!r}; "
                "set AIMESH_WEB_HOSTS to the names under which it is reached",
            )
        origin = request.headers.get("Origin")
        if origin is not None and not _is_same(origin, host):
            return Problem(
                403, "Foreign page", f"a page of {origin[:100]!r} may not use this server"
            )
        if self._needs_token(request) and not self._has_token(request):
            return Problem(
                401,
                "Token needed",
                "send the value of AIMESH_API_TOKEN as Authorization: Bearer",
            )
        return None

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        if name in self._names or is_loopback(name):
            return bool(name)
        return not self._on_loopback and _is_address(name)

    def _needs_token(self, request: web.Request) -> bool:
        if not self._token:
            return False
        if request.method not in READS:
            return True
        open_to_all = request.path in ALWAYS or request.path.startswith(ALWAYS_BELOW)
        return not self._on_loopback and not open_to_all

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _equal(given.strip(), self._token)
        return _equal(request.cookies.get(COOKIE, ""), session(self._token))


def session(token: str) -> str:
    """Return what a browser keeps instead of the token, so that the token stays unknown to it."""
    return hmac.new(token.encode(), b"aimesh session", hashlib.sha256).hexdigest()


def remember(request: web.Request, response: web.Response, token: str) -> None:
    """Have the browser, which has just shown the token, be let through from now on."""
    response.set_cookie(
        COOKIE, session(token), httponly=True, samesite="Strict", secure=request.secure
    )


def is_loopback(name: str) -> bool:
    """Tell whether a host name or address is this machine's own loopback."""
    if name.lower() == "localhost":
        return True
    return _is_address(name) and ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _name_of(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
