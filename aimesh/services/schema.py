"""Holds a state to its schema, each part that is as before once only."""

from __future__ import annotations

import hashlib
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
# and the time that is another one in each state
TIMES = {"agents": ("activity", "updated_at"), "queues": ("updated_at",)}
SOME_TIME = "1970-01-01T00:00:00Z"

Found = dict[str, Any]
Path = tuple[str | int, ...]


class StateValidator:
    """Tells what in a state does not fit its schema.

    A state is large and changes little: each thing in its lists, each list of tasks in these, each
    task and each time, that was found good is remembered by its bytes, and not looked at again.
    """

    def __init__(self) -> None:
        checker = Draft202012Validator.FORMAT_CHECKER

        def validators(schemas: Mapping[str, Schema]) -> dict[str, Draft202012Validator]:
            return {
                name: Draft202012Validator(schema, format_checker=checker)
                for name, schema in schemas.items()
            }

        self._parts = validators(PARTS)
        self._tasks = validators({n: _at(PARTS[n], path)["items"] for n, path in TASKS.items()})
        self._times = validators({n: _at(PARTS[n], path) for n, path in TIMES.items()})
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
        """Check what is in a list, its tasks and its time by themselves."""
        path, at = TIMES.get(name, ()), (name, number)
        if isinstance(told := _found(item, path), str):
            yield from self._checked(f"{name}/time", self._times[name], told, (*at, *path))
            item = _with(item, path, SOME_TIME)
        path = TASKS.get(name, ())
        if isinstance(tasks := _found(item, path), list):
            yield from self._list(name, tasks, (*at, *path))
            item = _with(item, path, [])
        yield from self._checked(name, self._parts[name], item, at)

    def _list(self, name: str, tasks: list[Any], at: Path) -> Iterator[Found]:
        if (key := _key(f"{name}/tasks", tasks)) in self._known:
            return
        is_good = True
        for place, task in enumerate(tasks):
            for error in self._checked(f"{name}/task", self._tasks[name], task, (*at, place)):
                is_good = False
                yield error
        if is_good:
            self._remember(key)

    def _checked(
        self, kind: str, validator: Draft202012Validator, item: Any, at: Path
    ) -> list[Found]:
        if (key := _key(kind, item)) in self._known:
            return []
        found = [_shown(error, at) for error in validator.iter_errors(item)]
        if not found:
            self._remember(key)
        return found

    def _remember(self, key: bytes) -> None:
        self._known[key] = None
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


def _key(kind: str, item: Any) -> bytes:
    # the bytes of a list of tasks are too many to be kept
    return hashlib.blake2b(kind.encode() + b" " + orjson.dumps(item), digest_size=16).digest()


def _at(schema: Schema, path: Sequence[str]) -> Schema:
    """Return the schema of what is at a path."""
    for name in path:
        schema = schema["properties"][name]
    return schema


def _found(item: Any, path: Sequence[str]) -> Any:
    for name in path:
        item = item.get(name) if isinstance(item, Mapping) else None
    return item if path else None


def _with(item: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return an item with another value at a path."""
    first, *rest = path
    return {**item, first: _with(item[first], rest, value) if rest else value}


def _shown(error: ValidationError, before: Path) -> Found:
    return {
        "path": pointer((*before, *error.absolute_path)),
        "message": error.message[:300],
        "validator": error.validator,
        "validator_value": error.validator_value,
    }


def pointer(path: Sequence[Any]) -> str:
    """Return a path as a JSON Pointer (RFC 6901); the whole document's is empty."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
