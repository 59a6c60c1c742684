"""Holds back messages that say again what was just said."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

_VARIES = re.compile(r"\d+|'[^']*'|\"[^\"]*\"")
_KEY_LENGTH = 40
_MOST_KINDS = 200


@dataclass
class _Kind:
    passed: float
    held: int = 0


class Repetition:
    """Lets each kind of message pass once in a while, and counts those that it holds back.

    Two messages are of a kind when they begin alike, whatever the numbers and quoted words in them.

    Arguments:
        pause: seconds for which a kind of message is held back after it passed.
    """

    def __init__(self, pause: float = 30.0) -> None:
        self._pause = pause
        self._kinds: OrderedDict[str, _Kind] = OrderedDict()

    def let_pass(self, message: str, now: float) -> str | None:
        """Return the message, with a count of those held back before it; None to hold it back.

        Arguments:
            message: what is about to be told.
            now: seconds of a monotonic clock.
        """
        key = _VARIES.sub("", message)[:_KEY_LENGTH]
        kind = self._kinds.get(key)
        if kind is not None and now - kind.passed < self._pause:
            kind.held += 1
            return None
        held = kind.held if kind is not None else 0
        self._kinds[key] = _Kind(now)
        self._kinds.move_to_end(key)
        if len(self._kinds) > _MOST_KINDS:
            self._kinds.popitem(last=False)
        return f"{message} (and {held} like it before)" if held else message
