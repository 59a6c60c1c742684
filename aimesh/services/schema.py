"""Holds a state to its schema, each part that is as before once only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from aimesh.core.oracle.schema import PARTS, SCHEMA, Schema

MOST_KNOWN = 20_000
MOST_ERRORS = 100

# where the lists of tasks are
TASKS = {"agents": ("activity", "active_task_ids"), "queues": ("tasks",)}

Found = dict[str, Any]


class StateValidator:
    """Tells what in a state does not fit its schema.

    A state is large and changes little: each thing in its lists, and each task in these, that was
    found good is remembered by its bytes, and not looked at again.
    """

    def __init__(self) -> None:
        checker = Draft202012Validator.FORMAT_CHECKER
        self._parts = {
            name: Draft202012Validator(part, format_checker=checker) for name, part in PARTS.items()
        }
        self._tasks = {
            name: Draft202012Validator(_within(PARTS[name], path), format_checker=checker)
            for name, path in TASKS.items()
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
        path = TASKS.get(name, ())
        tasks = _found(item, path)
        if not isinstance(tasks, list):
            yield from self._checked(name, self._parts[name], item, (name, number))
            return
        bare = _without(item, path)
        yield from self._checked(name, self._parts[name], bare, (name, number))
        for place, task in enumerate(tasks):
            at = (name, number, *path, place)
            yield from self._checked(name + "/", self._tasks[name], task, at)

    def _checked(
        self, kind: str, validator: Draft202012Validator, item: Any, at: Sequence[Any]
    ) -> list[Found]:
        key = kind.encode() + orjson.dumps(item)
        if key in self._known:
            return []
        found = [_shown(error, at) for error in validator.iter_errors(item)]
        if not found:
            self._known[key] = None
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return found


def _within(schema: Schema, path: Sequence[str]) -> Schema:
    """Return the schema of what is in the list at a path."""
    for name in path:
        schema = schema["properties"][name]
    items: Schema = schema["items"]
    return items


def _found(item: Any, path: Sequence[str]) -> Any:
    for name in path:
        item = item.get(name) if isinstance(item, Mapping) else None
    return item if path else None


def _without(item: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return an item with an empty list at a path."""
    first, *rest = path
    return {**item, first: _without(item[first], rest) if rest else []}


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
