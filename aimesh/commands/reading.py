"""What several commands read: a text that the user gives, and the messages of agents."""

from __future__ import annotations

import sys

import click

from aimesh.core.telemetry import AgentMessage
from aimesh.errors import InvalidRecordError


def given_text(words: tuple[str, ...], what: str, most: int) -> str:
    """Return the text of a command's arguments; "-" alone reads it from standard input.

    Arguments:
        words: the arguments.
        what: the text is, for messages.
        most: how many bytes it may have.

    Raises:
        UsageError: there is no text, or too much of it.
    """
    text = sys.stdin.read() if words == ("-",) else " ".join(words)
    if not text.strip():
        raise click.UsageError(f"the {what} has no text")
    if (size := len(text.encode("utf-8", "replace"))) > most:
        raise click.UsageError(f"the {what} has {size} bytes, more than the {most} it may")
    return text


def message_of(value: bytes | None) -> AgentMessage | None:
    """Return the message in a record of an agent's queue; None where it is another's, and none."""
    from aimesh import codec

    try:
        data = codec.loads(value or b"")
        return AgentMessage.read(data) if isinstance(data, dict) else None
    except (InvalidRecordError, ValueError):
        return None
