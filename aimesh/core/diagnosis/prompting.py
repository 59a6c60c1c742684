"""A diagnosis for a language model: text that fits a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aimesh.core.text import numbered

LEAST_BUDGET = 100
_PIECES = re.compile(r"[A-Za-z]+|\d+|\s+|[^\sA-Za-z\d]")


def tokens(text: str) -> int:
    """Return how many tokens a text has at most, as tokenizers in use count.

    A word counts one for every four letters, a number one for every two digits, any other sign
    one; single spaces go with what follows them.
    """
    total = 0
    for piece in _PIECES.findall(text):
        if piece[0].isspace():
            total += 0 if piece == " " else 1
        elif piece.isascii() and piece[0].isalpha():
            total += -(-len(piece) // 4)
        elif piece.isdigit():
            total += -(-len(piece) // 2)
        else:
            total += max(1, len(piece.encode("utf-8", "replace")) // 2)
    return total


def prompt(diagnosis: Mapping[str, Any], budget: int) -> str:
    """Return a diagnosis as text: the cause first, then as much of the rest as there is room.

    Arguments:
        diagnosis: as ``format=json`` gives it.
        budget: tokens at most, `LEAST_BUDGET` or more.
    """
    head = _head(diagnosis)
    items: Sequence[Mapping[str, Any]] = diagnosis["issues"]["items"]
    blocks = [_cause(n, item) for n, item in enumerate(items, 1)]
    closing = _closing(diagnosis)
    text, left = head, len(blocks)
    for number, block in enumerate(blocks):
        rest = _left_out(len(blocks) - number - 1)
        fits = _within(text + block + rest, budget)
        if not fits and number == 0:
            text = _shortened(text, block, rest, budget)
            left -= 1
            continue
        if not fits:
            break
        text, left = text + block, left - 1
    text += _left_out(left)
    if _within(text + closing, budget):
        text += closing
    return text.strip() + "\n"


def _within(text: str, budget: int) -> bool:
    return tokens(text) <= budget


def _shortened(text: str, block: str, rest: str, budget: int) -> str:
    """Return a text with as many lines of a block as there is room for, the last one cut."""
    for line in block.lstrip("\n").splitlines(keepends=True):
        if not _within(text + line + rest, budget):
            room = _room(text, line, rest, budget)
            return f"{text}{line[:room]}...\n" if room > 1 else text
        text += line
    return text


def _room(text: str, line: str, rest: str, budget: int) -> int:
    """Return how many characters of a line fit."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if _within(f"{text}{line[:middle]}...\n{rest}", budget):
            low = middle
        else:
            high = middle - 1
    return low


def _head(diagnosis: Mapping[str, Any]) -> str:
    meta = diagnosis["metadata"]
    number = diagnosis["issues"]["counts"]
    return (
        f"AI-Mesh is {meta['system_status']}"
        f" ({meta['generated_at']}, last {meta['time_window_minutes']} min)."
        f" {numbered(number['total'], 'issue')}, {numbered(number['causes'], 'cause')}.\n"
    )


def _cause(number: int, item: Mapping[str, Any]) -> str:
    if item["explained_by"]:
        return f"{number}. follows [{item['explained_by']}]: {item['title']}\n"
    lines = [
        f"\n{number}. CAUSE [{item['severity']}] {item['title']}",
        f"   next: {item['next_command'] or next(iter(item['suggested_actions']), '-')}",
        f"   what: {item['description']}",
        f"   since {item['first_seen']}, last {item['last_seen']},"
        f" {numbered(item['count'], 'time')},"
        f" affects {', '.join(item['affected_agents'][:5]) or item['component']}",
    ]
    if item["evidence"]:
        lines.append(f"   evidence: {', '.join(item['evidence'][:3])}")
    if item["related_trace_ids"]:
        lines.append(f"   traces: {', '.join(item['related_trace_ids'][:2])}")
    if item["sample"] and item["sample"] not in item["description"]:
        lines.append(f"   sample: {item['sample'][:300]!r}")
    lines += [f"   do: {action}" for action in item["suggested_actions"][:3]]
    return "\n".join(lines) + f"\n   id: {item['id']}\n"


def _left_out(number: int) -> str:
    return f"({number} more issues left out)\n" if number > 0 else ""


def _closing(diagnosis: Mapping[str, Any]) -> str:
    lines = [f"\n{key}: {value}" for key, value in diagnosis["debugging_context"].items()]
    return "".join(lines) + "\n"
