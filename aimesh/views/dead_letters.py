"""The dead letters as JSON, and the way back for them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web
from orjson import dumps, loads

from aimesh.core.redriving import LIMIT
from aimesh.records import now
from aimesh.services.dead_letters import DeadLetters, NoSuchDeadLetterError
from aimesh.views.problems import Problem, integer

PATH = "/api/v1/mesh/dead-letters"
MOST, DEFAULT = 200, 50
FIELDS = {"force": bool, "dry_run": bool, "limit": int}


def routes(letters: DeadLetters) -> list[web.AbstractRouteDef]:
    """Return the list of dead letters, a single one, and the way back for it."""
    views = DeadLetterViews(letters)
    return [
        web.get(PATH, views.newest),
        web.get(PATH + "/{letter_id}", views.get),
        web.post(PATH + "/{letter_id}/redrive", views.redrive),
    ]


class DeadLetterViews:
    """Answers from the dead letters' topic itself."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    async def newest(self, request: web.Request) -> web.Response:
        """Return the newest letters, newest first; ``limit``."""
        limit = integer(request, "limit", DEFAULT, MOST)
        found = await self._letters.newest(limit)
        return _answer({"dead_letters": [letter.summary() for letter in found], "as_of": now()})

    async def get(self, request: web.Request) -> web.Response:
        """Return one letter with its headers and its value as text and in hexadecimal digits."""
        try:
            letter = await self._letters.get(request.match_info["letter_id"])
        except NoSuchDeadLetterError as exc:
            raise Problem(404, "No such dead letter", str(exc)) from exc
        return _answer({"dead_letter": letter.whole(), "as_of": now()})

    async def redrive(self, request: web.Request) -> web.Response:
        """Send a letter back; the body may hold ``force``, ``limit`` and ``dry_run``."""
        wanted = await _wanted(request)
        try:
            [done] = await self._letters.redrive(
                [request.match_info["letter_id"]],
                limit=wanted.get("limit", LIMIT),
                force=wanted.get("force", False),
                dry_run=wanted.get("dry_run", False),
            )
        except NoSuchDeadLetterError as exc:
            raise Problem(404, "No such dead letter", str(exc)) from exc
        if done.refusal:
            raise Problem(409, "Not sent back", done.refusal, redriven=asdict(done))
        return _answer({"redriven": asdict(done)})


async def _wanted(request: web.Request) -> dict[str, Any]:
    """Read the body.

    Raises:
        Problem: it is no JSON object, or a field in it cannot be used.
    """
    body = await request.read()
    try:
        data = loads(body) if body else {}
    except ValueError as exc:
        raise Problem(422, "Bad body", f"the body must be a JSON object: {exc}") from exc
    if not isinstance(data, dict):
        raise Problem(422, "Bad body", "the body must be a JSON object")
    for name, value in data.items():
        kind = FIELDS.get(name)
        if kind is None:
            raise Problem(422, "Bad body", f"{name!r} is none of {', '.join(FIELDS)}")
        if type(value) is not kind or (isinstance(value, int) and value < 0):
            what = "true or false" if kind is bool else "a whole number from 0"
            raise Problem(422, "Bad body", f"{name!r} must be {what}")
    return data


def _answer(body: Any) -> web.Response:
    return web.Response(body=dumps(body), content_type="application/json")
