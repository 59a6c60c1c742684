"""What is told of an operation beyond what its route says: parameters, answers, problems."""

from __future__ import annotations

from dataclasses import dataclass, field

from aimesh.views.openapi.schemas import ANYTHING, TEXT, Schema, one_of
from aimesh.views.telemetry.common import MOST_CHARACTERS

PROBLEMS = {
    401: "A token is set, and was not sent.",
    403: "The request is for another host, or comes from a foreign page.",
    404: "There is nothing of that name, or no longer.",
    409: "That cannot be done now; `detail` says why.",
    413: "The body is too large.",
    422: "A parameter or the body cannot be used; `detail` says what it takes.",
    426: "Only WebSocket is spoken here.",
    503: "The tables are being recovered, or a service is away; `Retry-After` says when to ask.",
}
# anybody may meet these at any path
ALWAYS = (401, 403, 503)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query."""

    name: str
    schema: Schema
    text: str = ""

    def shown(self) -> Schema:
        """Return it as the description has it."""
        found: Schema = {"name": self.name, "in": "query", "schema": self.schema}
        return {**found, "description": self.text} if self.text else found


@dataclass(frozen=True)
class Operation:
    """What a route does not say itself.

    ``problems`` are statuses beside those that any path may answer with; ``also`` are further
    good ones, with the same answer.
    """

    query: tuple[Parameter, ...] = ()
    answer: Schema = field(default_factory=lambda: ANYTHING)
    problems: tuple[int, ...] = ()
    body: Schema | None = None
    body_needed: bool = True
    media: str = "application/json"
    status: int = 200
    also: dict[int, str] = field(default_factory=dict)


def whole(name: str, default: int, most: int, least: int = 1, what: str = "") -> Parameter:
    """Return a parameter that is a whole number."""
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name, schema, what)


def limit(most: int, default: int) -> Parameter:
    """Return the parameter for how many a list has at most."""
    return whole("limit", default, most, what="How many at most.")


def cursor(form: str = "") -> Parameter:
    """Return the parameter for where a list goes on."""
    schema = {**TEXT, "pattern": form} if form else TEXT
    return Parameter("cursor", schema, "The `next_cursor` of the answer before.")


def text(name: str, what: str = "") -> Parameter:
    """Return a parameter that is any text."""
    return Parameter(name, {**TEXT, "maxLength": MOST_CHARACTERS}, what)


def word(name: str, words: tuple[str, ...], what: str = "") -> Parameter:
    """Return a parameter that is a word out of some."""
    return Parameter(name, one_of(words), what)
