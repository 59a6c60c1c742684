"""Answers that no good model gives."""

from __future__ import annotations

import random

HUGE = 10_000_000
_LETTERS = "etaoin shrdlu cmfwyp vbgkjq xz  \n\n`~#*<>{}()[]'\":=0123456789\\\t\x07\u202eéλ中🙂"


def gibberish(seed: int, size: int = 4_000) -> str:
    """Nonsense of ``size`` characters, the same for the same seed."""
    rng = random.Random(seed)
    lines = ["```python", "def f(:", "```", "<think>", "Example: f( -> ]"]
    words = ["".join(rng.choices(_LETTERS, k=rng.randint(1, 60))) for _ in range(size // 20)]
    for line in lines:
        words.insert(rng.randrange(len(words) + 1), f"\n{line}\n")
    return " ".join(words)[:size]


def huge() -> str:
    """An answer of 10 MB that says the same again and again, as a model in a loop does."""
    line = "and then the next element is compared with the one before it, "
    return (line * (HUGE // len(line) + 1))[:HUGE]
