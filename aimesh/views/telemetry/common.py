"""What the telemetry's views share: the tables, the parameters, the shape of answers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from aiohttp import web

from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.views.observed import tables_of
from aimesh.views.problems import bad_parameter

_CURSOR = re.compile(r"[a-z]([0-9]{1,18})(?:\.([0-9]{1,18}))?")
MOST_CHARACTERS = 500
FLAGS = ("true", "false")


class Source:
    """The observer's tables, for views.

    Arguments:
        observer: has the tables.
        prefix: of all topics' names.
    """

    def __init__(self, observer: TelemetryObserver, prefix: str) -> None:
        self._observer = observer
        self.prefix = prefix

    @property
    def tables(self) -> TelemetryTables:
        """The tables, with what has run out by now.

        Raises:
            Problem: they are not there yet, or another observer has them.
        """
        tables = tables_of(self._observer)
        tables.expire()
        return tables


def answer(body: Any) -> web.Response:
    """Return a JSON answer; rows that are JSON already go in as `rows`."""
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), content_type="application/json"
    )


def rows(found: Iterable[bytes]) -> list[orjson.Fragment]:
    """Return rows of the tables for an answer."""
    return [orjson.Fragment(row) for row in found]


def text(request: web.Request, *names: str) -> str:
    """Read a text from the query under any of its names; empty where there is none.

    Raises:
        Problem: it is too long to be anything.
    """
    for name in names:
        if value := request.query.get(name):
            if len(value) > MOST_CHARACTERS:
                raise bad_parameter(name, value[:50], f"{MOST_CHARACTERS} characters at most")
            return value
    return ""


def choice(request: web.Request, name: str, choices: Sequence[str]) -> str:
    """Read a word from the query; empty where there is none.

    Raises:
        Problem: it is none of the choices.
    """
    value = request.query.get(name, "")
    if value and value not in choices:
        raise bad_parameter(name, value[:50], ", ".join(choices))
    return value


def cursor(request: web.Request, kind: str) -> tuple[int, int] | None:
    """Read where a list goes on, None for its beginning.

    Arguments:
        request: has it as ``cursor``.
        kind: the letter that the list's cursors begin with.

    Raises:
        Problem: it is no cursor of this list.
    """
    value = request.query.get("cursor")
    if not value:
        return None
    match = _CURSOR.fullmatch(value)
    if match is None or value[0] != kind:
        raise bad_parameter("cursor", value[:50], "the next_cursor of the answer before")
    return int(match[1]), int(match[2] or 0)


def page(found: Sequence[int], limit: int) -> tuple[Sequence[int], int | None]:
    """Return the numbers that fit into a limit, and the last of them where there are more."""
    if len(found) <= limit:
        return found, None
    return found[:limit], found[limit - 1]


def named_page(names: Sequence[str], after: str, limit: int) -> tuple[Sequence[str], str | None]:
    """Return those of some sorted names that come after one, and the last where there are more."""
    first = bisect_right(names, after)
    shown = names[first : first + limit]
    return shown, shown[-1] if first + limit < len(names) else None
