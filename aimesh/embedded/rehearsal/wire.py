"""Requests as Ollama checks them, and what its answers tell besides their text."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

_T = TypeVar("_T")
_PIECE = 24
_MOST_PIECES = 400
_GO_TYPES = {bool: "bool", int: "number", float: "number", str: "string", dict: "object"}


class RefusedError(Exception):
    """The request gets this status and message instead of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def request_body(raw: bytes) -> dict[str, Any]:
    """The JSON object in a request.

    Raises:
        RefusedError: there is none; in Ollama's words.
    """
    if not raw.strip():
        raise RefusedError(400, "missing request body")
    try:
        body = json.loads(raw)
    except json.JSONDecodeError as exc:
        at = exc.doc[exc.pos : exc.pos + 1]
        problem = f"invalid character {at!r} looking for beginning of value"
        raise RefusedError(400, problem if at else "unexpected EOF") from exc
    except (UnicodeDecodeError, RecursionError) as exc:
        raise RefusedError(400, f"invalid JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RefusedError(400, f"json: cannot unmarshal {_go_type(type(body))} into Go value")
    return body


def field(body: Mapping[str, Any], name: str, kind: type[_T], default: _T) -> _T:
    """A field of a request, or the default where it is missing or null.

    Raises:
        RefusedError: it has another type.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        found, wanted = _go_type(type(value)), _go_type(kind)
        problem = f"cannot unmarshal {found} into Go struct field .{name} of type {wanted}"
        raise RefusedError(400, f"json: {problem}")
    return value


def spoken(body: Mapping[str, Any]) -> tuple[str, str]:
    """The system's and the user's words in a chat; those of several messages are joined.

    Raises:
        RefusedError: a message is not one.
    """
    words: dict[str, list[str]] = {"system": [], "user": [], "assistant": [], "tool": []}
    empty: list[Any] = []
    for message in field(body, "messages", list, empty):
        if not isinstance(message, dict):
            raise RefusedError(400, "json: cannot unmarshal value into Go type api.Message")
        role = field(message, "role", str, "")
        if role not in words:
            raise RefusedError(400, f"invalid role: {role!r}")
        words[role].append(field(message, "content", str, ""))
    return "\n".join(words["system"]), "\n".join(words["user"])


def texts_of(body: Mapping[str, Any]) -> list[str]:
    """The texts to embed: one string, or a list of them.

    Raises:
        RefusedError: it is something else.
    """
    given = body.get("input")
    if isinstance(given, str):
        return [given] if given else []
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise RefusedError(400, "invalid input type")
    return given


def now() -> str:
    """The time as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def tokens(text: str) -> int:
    """About how many tokens a text has; every model counts in its own way."""
    return sum(1 for _ in re.finditer(r"\w{1,6}|[^\w\s]", text))


def statistics(started: float, prompt: str, answer: str) -> dict[str, Any]:
    """What the last part of an answer tells of how it was made; durations are nanoseconds.

    Arguments:
        started: when the request came, by ``time.perf_counter``.
    """
    total = nanoseconds_since(started)
    return {
        "done_reason": "stop",
        "done": True,
        "total_duration": total,
        "load_duration": total // 100,
        "prompt_eval_count": tokens(prompt),
        "prompt_eval_duration": total // 10,
        # the token that ends an answer is counted too
        "eval_count": tokens(answer) + 1,
        "eval_duration": total - total // 10 - total // 100,
    }


def nanoseconds_since(started: float) -> int:
    """How long ago something started, by ``time.perf_counter``; never 0."""
    return max(int((time.perf_counter() - started) * 1e9), 1)


def pieces(text: str) -> Iterator[str]:
    """A text in the parts in which it is streamed, some hundreds at most."""
    size = max(_PIECE, len(text) // _MOST_PIECES)
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _go_type(kind: type) -> str:
    return _GO_TYPES.get(kind, "array")
