"""Embeddings without a model: texts that share words and parts of words point the same way."""

from __future__ import annotations

import functools
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator

DIMENSIONS = 256
_LONGEST = 20_000
_WORD = re.compile(r"[a-z]+|\d+")
# words that say what kind of text it is, not what it is about; shorter ones count as such anyway
_USUAL = (
    "all and are def each every example examples for from function given has have into its list "
    "lists may must one python result return returns takes that the them there they this when "
    "where which with write"
)
_STOP_WORDS = frozenset(_USUAL.split())
_COMMON, _PAIR, _PART = "=", "&", "~"
_KINDS = {_COMMON: 0.75, _PAIR: 0.3, _PART: 0.25}


@functools.lru_cache(maxsize=1024)
def embedding(text: str, size: int = DIMENSIONS) -> tuple[float, ...]:
    """A unit vector for a text, always the same one.

    Arguments:
        text: only its first 20,000 characters count.
        size: how many dimensions the vector has.
    """
    vector = [0.0] * size
    for feature, weight in _weights(text[:_LONGEST].lower()).items():
        number = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
        # one bit for the sign, the rest for the place: features that collide cancel out
        vector[(number >> 1) % size] += weight if number & 1 else -weight
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0:
        return (1.0,) + (0.0,) * (size - 1)
    return tuple(value / length for value in vector)


def cosine(left: tuple[float, ...], right: tuple[float, ...]) -> float:
    """How alike the directions of two unit vectors are: 1 for the same, 0 for unrelated."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def _weights(text: str) -> dict[str, float]:
    counts = Counter(_features(text))
    # the tenth occurrence says little that the second did not
    return {
        feature: _KINDS.get(feature[0], 1.0) * (1 + math.log(count))
        for feature, count in counts.items()
    }


def _features(text: str) -> Iterator[str]:
    """Words, pairs of words, and parts of words; a name like ``window_sum`` is two words.

    The first character of a feature tells its kind, where it is not a word that matters.
    """
    before = ""
    for word in _WORD.findall(text):
        if word in _STOP_WORDS or len(word) < 3 or word.isdigit():
            yield f"{_COMMON}{word}"
            continue
        yield word
        yield f"{_PAIR}{before} {word}"
        before = word
        for start in range(len(word) - 3):
            yield f"{_PART}{word[start : start + 4]}"
