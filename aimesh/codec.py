"""How records travel: plain JSON objects, and a schema that never raises on what it cannot read.

Faust acknowledges an undecodable message before it raises, and so loses it. Here it arrives as an
`Undecodable` with its bytes and the reason, and becomes a dead letter.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import faust
import orjson
from faust.types import AppT, Message

from aimesh.core import numbers

R = TypeVar("R", bound=faust.Record)


@dataclass(frozen=True)
class Undecodable:
    """A message that is not the record which its topic carries."""

    value: bytes | None
    reason: str


def dumps(value: Any) -> bytes:
    """Encode a record or a plain value as UTF-8 JSON."""
    plain = value.to_representation() if isinstance(value, faust.Record) else value
    return orjson.dumps(plain)


def loads(value: bytes | str) -> Any:
    """Decode JSON.

    Raises:
        ValueError: it is not JSON.
    """
    return orjson.loads(value)


def read(kind: type[R], value: bytes | None) -> R | Undecodable:
    """Read a record from a message's value; unknown fields are ignored.

    Arguments:
        kind: the record's class.
        value: the bytes as they were sent.

    Returns:
        The record, or an `Undecodable` that says what is wrong with which field.
    """
    try:
        data = loads(value or b"")
    except ValueError as exc:
        return Undecodable(value, f"not JSON: {exc}")
    if not isinstance(data, dict):
        return Undecodable(value, f"not a JSON object but {type(data).__name__}")
    if problem := mismatch(kind, data):
        return Undecodable(value, problem)
    known = {name: data[name] for name in _field_types(kind) if name in data}
    return kind(**known)


def _field_types(kind: type[faust.Record]) -> dict[str, tuple[type, ...]]:
    """Return for each field of a record the plain types that its value may have."""
    if kind not in _FIELDS:
        hints = typing.get_type_hints(kind)
        _FIELDS[kind] = {name: _plain(hint) for name, hint in hints.items()}
    return _FIELDS[kind]


_FIELDS: dict[type[faust.Record], dict[str, tuple[type, ...]]] = {}


def _plain(hint: Any) -> tuple[type, ...]:
    if isinstance(hint, types.UnionType):
        return tuple(kind for part in typing.get_args(hint) for kind in _plain(part))
    kind = typing.get_origin(hint) or hint
    return (float, int) if kind is float else (kind,)


def mismatch(kind: type[faust.Record], data: Mapping[str, Any]) -> str:
    """Say what keeps ``data`` from being a record of this kind; empty where nothing does."""
    fields = _field_types(kind)
    for name in kind._options.fieldset - kind._options.optionalset:
        if name not in data:
            return f"field {name!r} is missing"
    for name, value in data.items():
        kinds = fields.get(name)
        if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) > (bool in kinds))):
            wanted = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
            return f"field {name!r} must be {wanted}, not {type(value).__name__}"
        if kinds and isinstance(value, int | float) and abs(value) > numbers.MOST:
            return f"field {name!r} is {value}, it takes {-numbers.MOST} to {numbers.MOST}"
    return ""


class RecordSchema(faust.Schema[Any, Any]):
    """Raw keys, and values that are records or `Undecodable`; decoding never raises."""

    def __init__(self, kind: type[faust.Record]) -> None:
        super().__init__(
            key_type=bytes, value_type=kind, key_serializer="raw", value_serializer="raw"
        )
        self.kind = kind

    def loads_key(self, app: AppT, message: Message, **_: Any) -> bytes | None:
        """Return the key as it was sent."""
        return message.key

    def loads_value(self, app: AppT, message: Message, **_: Any) -> Any:
        """Return the record, or what keeps the value from being one."""
        return read(self.kind, message.value)

    def dumps_value(self, app: AppT, value: Any, **options: Any) -> tuple[Any, Any]:
        """Encode a record as plain JSON."""
        return dumps(value), options.get("headers")
