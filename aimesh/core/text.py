"""Text that came from a model or a program, made safe to keep: bounded and printable."""

from __future__ import annotations

import json
import re

# control characters except newline and tab, marks that change the reading direction,
# line separators that only some programs honour, and lone surrogates
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def encoded_size(text: str) -> int:
    """How many bytes ``text`` takes inside a JSON document in UTF-8, without its quotes."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")) - 2


def cut(text: str, limit_bytes: int, *, tail: float = 0.0) -> str:
    """Shorten a text to a size, on a character boundary, with a visible mark where it was cut.

    Arguments:
        text: any text.
        limit_bytes: the most that the result may take in JSON and UTF-8, its mark included.
        tail: the share (0 to 1) of the room that goes to the end of the text; a traceback, say,
            has its message there.

    Returns:
        ``text`` itself where it fits. Where there is no room for the mark, the beginning alone.
    """
    # a character takes a byte at least, so a longer text cannot fit
    if len(text) <= limit_bytes and encoded_size(text) <= limit_bytes:
        return text
    whole = _utf8_size(text)
    room = limit_bytes - encoded_size(_mark(whole))
    if room <= 0:
        return text[: _fitting(text[: max(limit_bytes, 0)], limit_bytes)]
    end_room = int(room * tail)
    head = text[: _fitting(text[:room], room - end_room)]
    backwards = text[: len(head) - 1 : -1][:end_room] if head else text[::-1][:end_room]
    end = backwards[: _fitting(backwards, end_room)][::-1]
    return head + _mark(whole - _utf8_size(head) - _utf8_size(end)) + end


def numbered(number: int, one: str, many: str = "") -> str:
    """Return a number with the word for what is counted, as in "1 message" and "3 messages".

    Arguments:
        number: how many.
        one: the word for one.
        many: the word for any other number; with an "s" more unless it is given.
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """Make a text harmless to show: what could act on a screen becomes its ``\\x..`` escape.

    Newlines (the Windows ones as plain newlines) and tabs stay. In Python code, an escape inside
    a string literal still means the same character.
    """
    return _HARMFUL.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _mark(left_out: int) -> str:
    return f"… [cut: {left_out} bytes left out]"


def _utf8_size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _fitting(text: str, limit_bytes: int) -> int:
    """How many leading characters of ``text`` fit into ``limit_bytes``."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if encoded_size(text[:middle]) <= limit_bytes:
            low = middle
        else:
            high = middle - 1
    return low
