"""What the memory gives back: earlier tasks that resemble one, with how they ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["failure", "pattern", "task"]


@dataclass(frozen=True)
class Recollection:
    """One thing remembered.

    ``kind`` says what it is: a ``failure`` (code and the error that it ended with), a ``pattern``
    (code that passed) or a ``task`` (only that it was posed). ``score`` is the cosine similarity
    to what was asked for.
    """

    kind: Kind
    task: str
    code: str = ""
    error: str = ""
    score: float = 0.0
