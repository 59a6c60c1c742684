"""Holds a state to its schema, each part that is as before once only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from aimesh.core.oracle.schema import PARTS, SCHEMA

MOST_KNOWN = 20_000
MOST_ERRORS = 100

Found = dict[str, Any]


class StateValidator:
    """Tells what in a state does not fit its schema.

    A state is large and changes little: each thing in its lists that was found good is remembered
    by its bytes, and not looked at again.
    """

    def __init__(self) -> None:
        checker = Draft202012Validator.FORMAT_CHECKER
        self._parts = {
            name: Draft202012Validator(part, format_checker=checker) for name, part in PARTS.items()
        }
        shallow = {name: {"type": "array"} for name in PARTS}
        frame = {**SCHEMA, "properties": {**SCHEMA["properties"], **shallow}}
        self._frame = Draft202012Validator(frame, format_checker=checker)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def errors(self, state: Any) -> list[Found]:
        """Return what does not fit, each with where it is as a JSON Pointer; empty when all does.

        Arguments:
            state: anything that JSON can hold.
        """
        found = [_shown(error, ()) for error in self._frame.iter_errors(state)]
        if isinstance(state, Mapping):
            for name in PARTS:
                items = state.get(name)
                for number, item in enumerate(items if isinstance(items, list) else ()):
                    found += self._item(name, number, item)
                    if len(found) >= MOST_ERRORS:
                        return found[:MOST_ERRORS]
        return found

    def _item(self, name: str, number: int, item: Any) -> Iterator[Found]:
        key = name.encode() + orjson.dumps(item)
        if key in self._known:
            self._known.move_to_end(key)
            return
        found = [_shown(error, (name, number)) for error in self._parts[name].iter_errors(item)]
        if not found:
            self._known[key] = None
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        yield from found


def _shown(error: ValidationError, before: Sequence[Any]) -> Found:
    return {
        "path": pointer((*before, *error.absolute_path)),
        "message": error.message[:300],
        "validator": error.validator,
        "validator_value": error.validator_value,
    }


def pointer(path: Sequence[Any]) -> str:
    """Return a path as a JSON Pointer (RFC 6901); the whole document's is empty."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
