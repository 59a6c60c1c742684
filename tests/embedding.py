"""Embeddings for tests: texts with the same words are near each other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from zlib import crc32


class Embedder:
    """Counts words into ``size`` numbers. Fails with ``fault`` and waits ``delay`` seconds."""

    def __init__(self, size: int = 64) -> None:
        self.size = size
        self.fault: Exception | None = None
        self.delay = 0.0
        self.asked: list[list[str]] = []

    async def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked.append(list(texts))
        await asyncio.sleep(self.delay)
        if self.fault:
            raise self.fault
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        vector = [0.0] * self.size
        for word in re.findall(r"\w+", text.lower()):
            vector[crc32(word.encode()) % self.size] += 1.0
        return vector
