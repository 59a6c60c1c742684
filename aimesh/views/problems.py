"""Errors as ``application/problem+json`` (RFC 9457), in one shape for the whole API."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from aimesh.errors import UnavailableError

logger = logging.getLogger(__name__)


class Problem(Exception):
    """Something that a caller is told: status, a short title, and what is wrong and right."""

    def __init__(self, status: int, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more

    def response(self, request: web.Request) -> web.Response:
        """Return the answer that tells it."""
        body = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": request.path,
            **self.more,
        }
        headers = {"Retry-After": "2"} if self.status == 503 else None
        return web.Response(
            body=orjson.dumps(body),
            status=self.status,
            content_type="application/problem+json",
            headers=headers,
        )


def bad_parameter(name: str, got: str, takes: str) -> Problem:
    """Return the problem of a parameter that cannot be used."""
    return Problem(
        422,
        "Bad parameter",
        f"parameter {name!r} is {got!r}, it takes {takes}",
        errors=[{"parameter": name, "got": got, "takes": takes}],
    )


def integer(request: web.Request, name: str, default: int, most: int, least: int = 1) -> int:
    """Read a whole number from the query.

    Raises:
        Problem: it is none, or out of its range.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise bad_parameter(name, text, f"a whole number from {least} to {most}")
    return int(text)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a view raises into an answer of one shape."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response(request)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        response = Problem(exc.status, exc.reason, exc.text or exc.reason).response(request)
        if "Allow" in exc.headers:
            response.headers["Allow"] = exc.headers["Allow"]
        return response
    except UnavailableError as exc:
        return Problem(503, "Not available", str(exc), service=exc.service).response(request)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return Problem(500, "Internal error", "see the worker's log").response(request)
