"""What an agent's message says of itself beyond its fields: tokens, model calls, whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_PARTS = (
    ("input_tokens", "output_tokens"),
    ("prompt_tokens", "completion_tokens"),
    ("prompt_eval_count", "eval_count"),
)
_TOTALS = ("total_tokens", "tokens", "token_count")
_CALLS = ("llm_calls", "model_calls")
_MODELS = frozenset({"model", "model_name"})
_SESSIONS = ("session_id", "conversation_id", "thread_id")
_USERS = ("user_id", "user")
_HOLDERS = ("usage", "metrics", "metadata")
_TOKENS = frozenset(_TOTALS).union(*_PARTS)
_WORTH = _TOKENS.union(_CALLS, _SESSIONS, _USERS, _HOLDERS)
MOST_NAME = 200
MOST_COUNT = 1 << 40


class Facts(NamedTuple):
    """What a payload says: ``calls`` of a model, ``tokens`` they took, session and user."""

    tokens: int = 0
    calls: int = 0
    session: str = ""
    user: str = ""


NOTHING = Facts()


def facts_of(payload: Mapping[str, Any]) -> Facts:
    """Return what a message's payload says, in the words that the usual clients use."""
    if _WORTH.isdisjoint(payload):
        return NOTHING
    places: list[Mapping[str, Any]] = [payload]
    for name in _HOLDERS:
        if isinstance(part := payload.get(name), dict):
            places.append(part)
    tokens = calls = 0
    session = user = ""
    for place in places:
        if _WORTH.isdisjoint(place):
            continue
        tokens = tokens or _tokens(place)
        calls = calls or _first(place, _CALLS)
        session = session or _text(place, _SESSIONS)
        user = user or _text(place, _USERS)
    if tokens and not calls and not _MODELS.isdisjoint(payload):
        calls = 1
    return Facts(tokens, calls, session, user)


def _tokens(place: Mapping[str, Any]) -> int:
    if _TOKENS.isdisjoint(place):
        return 0
    for one, other in _PARTS:
        if parts := _count(place.get(one)) + _count(place.get(other)):
            return parts
    return _first(place, _TOTALS)


def _first(place: Mapping[str, Any], names: Iterable[str]) -> int:
    for name in names:
        if number := _count(place.get(name)):
            return number
    return 0


def _count(value: Any) -> int:
    return value if type(value) is int and 0 < value < MOST_COUNT else 0


def _text(place: Mapping[str, Any], names: Iterable[str]) -> str:
    for name in names:
        value = place.get(name)
        if isinstance(value, str) and value:
            return value[:MOST_NAME]
    return ""
