"""Answers to tasks that are not in the catalogue: some well-known ones, else an honest excuse."""

from __future__ import annotations

import builtins
import keyword
import re
from dataclasses import dataclass

_NAMED = re.compile(r"(?:function|def|called|named)\s+`?([a-z_]\w{0,40})`?(?=\s*\()", re.IGNORECASE)
# words that follow "function" in a sentence, and names that the programs themselves need
_TAKEN = frozenset({"that", "which", "to", *keyword.kwlist, *dir(builtins)})


@dataclass(frozen=True)
class _Known:
    words: str
    """A pattern; the task must contain it."""
    name: str
    code: str
    """A template; NAME stands for the function's name."""
    shown: tuple[str, ...]
    """Arguments of the demonstration."""


_KNOWN = (
    _Known(
        r"fizz\s*buzz",
        "fizz_buzz",
        """
def NAME(n):
    words = []
    for number in range(1, n + 1):
        word = "Fizz" * (number % 3 == 0) + "Buzz" * (number % 5 == 0)
        words.append(word or str(number))
    return words
""",
        ("15",),
    ),
    _Known(
        r"fibonacci",
        "fibonacci",
        """
def NAME(n):
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return current
""",
        ("0", "10", "90"),
    ),
    _Known(
        r"factorial",
        "factorial",
        """
def NAME(n):
    result = 1
    for factor in range(2, n + 1):
        result *= factor
    return result
""",
        ("0", "5", "20"),
    ),
    _Known(
        r"\bprimes?\b",
        "is_prime",
        """
def NAME(n):
    if n < 2:
        return False
    return all(n % divisor for divisor in range(2, int(n ** 0.5) + 1))
""",
        ("1", "2", "91", "97"),
    ),
    _Known(
        r"palindrom",
        "is_palindrome",
        """
def NAME(text):
    letters = [sign.lower() for sign in str(text) if sign.isalnum()]
    return letters == letters[::-1]
""",
        ("'level'", "'A man, a plan, a canal: Panama'", "'python'"),
    ),
    _Known(
        r"anagram",
        "are_anagrams",
        """
def NAME(first, second):
    return sorted(first.lower()) == sorted(second.lower())
""",
        ("'listen', 'silent'", "'apple', 'papel'", "'cat', 'dog'"),
    ),
    _Known(
        r"count\w*\b.*\bwords?\b|words?\b.*\bcount",
        "count_words",
        """
def NAME(text):
    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    return counts
""",
        ("'to be or not to be'", "''"),
    ),
    _Known(
        r"vowel",
        "count_vowels",
        """
def NAME(text):
    return sum(sign in "aeiou" for sign in text.lower())
""",
        ("'Education'", "''"),
    ),
    _Known(
        r"\bgcd\b|greatest common",
        "gcd",
        """
def NAME(a, b):
    while b:
        a, b = b, a % b
    return abs(a)
""",
        ("12, 18", "7, 5", "0, 4"),
    ),
    _Known(
        r"binary search",
        "binary_search",
        """
def NAME(items, wanted):
    low, high = 0, len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1
""",
        ("[1, 3, 5, 7], 5", "[1, 3], 4", "[], 1"),
    ),
    _Known(
        r"duplicate|unique|distinct",
        "unique",
        """
def NAME(items):
    return list(dict.fromkeys(items))
""",
        ("[3, 1, 3, 2, 1]", "[]"),
    ),
    _Known(
        r"revers",
        "reverse",
        """
def NAME(items):
    return items[::-1]
""",
        ("'hello'", "[1, 2, 3]", "[]"),
    ),
    _Known(
        r"\bmerg",
        "merge_sorted",
        """
def NAME(left, right):
    merged, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    return merged + left[i:] + right[j:]
""",
        ("[1, 4, 6], [2, 3, 9]", "[], [1]", "[], []"),
    ),
    _Known(
        r"\bsort",
        "sort_items",
        """
def NAME(items):
    if len(items) < 2:
        return list(items)
    middle = len(items) // 2
    left, right = NAME(items[:middle]), NAME(items[middle:])
    merged = []
    while left and right:
        merged.append(left.pop(0) if left[0] <= right[0] else right.pop(0))
    return merged + left + right
""",
        ("[5, 2, 9, 1]", "[]"),
    ),
    _Known(
        r"\b(?:maximum|largest|biggest|highest)\b",
        "largest",
        """
def NAME(items):
    result = None
    for item in items:
        if result is None or item > result:
            result = item
    return result
""",
        ("[3, 9, 4]", "[]"),
    ),
    _Known(
        r"\bsum\b|\badd(?:s|ing)?\b|\btotal\b",
        "add_up",
        """
def NAME(*numbers):
    total = 0
    for number in numbers:
        total += sum(number) if isinstance(number, (list, tuple)) else number
    return total
""",
        ("[1, 2, 3]", "4, 5", "[]"),
    ),
)

_EXCUSE = """
def NAME(*arguments):
    return "no solution: this is AI-Mesh's rehearsal model, which knows a fixed catalogue of tasks"


print(NAME())
print("With Ollama and a real model, this task would get a real answer.")
"""


def generic_program(task: str) -> str:
    """A program for a task by the words in it, or one that runs and says what this model is."""
    name = next((name for name in _NAMED.findall(task) if _usable(name)), "")
    for known in _KNOWN:
        if re.search(known.words, task, re.IGNORECASE):
            name = name or known.name
            lines = [f"print({f'{name}({a}) ->'!r}, {name}({a}))" for a in known.shown]
            return known.code.strip().replace("NAME", name) + "\n\n\n" + "\n".join(lines) + "\n"
    return _EXCUSE.strip().replace("NAME", name or "solve") + "\n"


def _usable(name: str) -> bool:
    return name.isidentifier() and name not in _TAKEN
