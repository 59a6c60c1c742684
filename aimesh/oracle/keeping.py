"""States as callers saw them, by their tags, so that they can be told what changed since."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from aimesh.core.oracle.log import difference, lines, steady, whole

MOST_STATES = 32

State = Mapping[str, Any]


class States:
    """The newest states' lines by tag: the same tag for what is the same but for times."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Mapping[str, str]] = OrderedDict()

    def keep(self, state: State) -> str:
        """Keep a state, and return its tag."""
        data = orjson.dumps(steady(state), option=orjson.OPT_SORT_KEYS)
        tag = hashlib.blake2b(data, digest_size=12).hexdigest()
        if tag not in self._kept:
            self._kept[tag] = lines(state)
        self._kept.move_to_end(tag)
        if len(self._kept) > MOST_STATES:
            self._kept.popitem(last=False)
        return tag

    def since(self, tag: str, state: State) -> tuple[str, bool]:
        """Return what changed since the state with a tag, and True.

        Where that state is no longer kept, all of it is returned, and False.
        """
        old = self._kept.get(tag)
        if old is None:
            return whole(lines(state)), False
        return difference(old, lines(state)), True
