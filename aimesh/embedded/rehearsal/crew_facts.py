"""What the rehearsal model knows besides its coding tasks: a few subjects, in short points."""

from __future__ import annotations

import re

#: By a pattern for the question: the points.
FACTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"merg\w+.*sorted|sorted.*merg",
        (
            "Two sorted lists are merged by taking the smaller of their first items, again and "
            "again.",
            "Each item is looked at once, so it takes time in proportion to both lengths together.",
            "What is left of one list when the other is empty is already in order.",
        ),
    ),
    (
        r"binary search",
        (
            "Binary search needs a sorted sequence; it looks at the middle and drops one half.",
            "It halves what is left in every step: 20 steps do for a million items.",
            "The usual mistakes are a range that does not shrink, and one that ends a step early.",
        ),
    ),
    (
        r"\bsort",
        (
            "Comparing items two at a time, no method needs fewer than n log2 n or so.",
            "Merge sort splits in halves, sorts both and merges them; equal items keep order.",
            "Python's own `sorted` is stable, and quick on what is nearly sorted.",
        ),
    ),
    (
        r"\bkafka\b|\btopics?\b|\bpartitions?\b",
        (
            "Kafka keeps messages in topics, which are logs divided into partitions.",
            "Order holds within a partition; messages with the same key go to the same one.",
            "The members of a consumer group share a topic's partitions and commit how far they "
            "have read.",
        ),
    ),
    (
        r"fibonacci",
        (
            "Each Fibonacci number is the sum of the two before it, beginning with 0 and 1.",
            "A loop that keeps the last two takes n steps; plain recursion takes exponentially "
            "many.",
        ),
    ),
    (
        r"\bprimes?\b",
        (
            "A prime number has exactly two divisors, 1 and itself; 2 is the only even one.",
            "To test n it is enough to try divisors up to its square root.",
            "A sieve finds all primes up to a limit by crossing out multiples.",
        ),
    ),
    (
        r"palindrom|anagram",
        (
            "A palindrome reads the same in both directions; case and punctuation usually do not "
            "count.",
            "Two words are anagrams when their letters, sorted, are the same.",
        ),
    ),
    (
        r"\bgcd\b|greatest common",
        (
            "Euclid's method replaces the larger number by the remainder until that is 0.",
            "It takes at most about five steps for each decimal digit of the smaller number.",
        ),
    ),
    (
        r"\b(?:count|words?|letters?|vowels?)\b",
        (
            "Counting needs one pass and a dictionary from what is counted to how often it came.",
            "Whether upper and lower case differ must be decided first.",
            "Empty input has no counts, which is not an error.",
        ),
    ),
)


def facts_about(text: str) -> tuple[str, ...]:
    """Return the points about the first subject that a text is about, none for any other text."""
    return next(
        (points for pattern, points in FACTS if re.search(pattern, text, re.IGNORECASE)), ()
    )
