"""What a mesh at work looks like: tasks with their attempts, verdicts and reviews."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Event = tuple[str, dict[str, Any], str]

LAYERS = ["rlimits", "no_new_privs", "landlock", "seccomp", "user namespace", "network namespace"]

MERGE_WRONG = '''def merge_intervals(intervals):
    """Merge overlapping intervals."""
    merged = []
    for start, end in intervals:
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


assert merge_intervals([[1, 4], [4, 5]]) == [[1, 5]]
'''
MERGE_RIGHT = '''def merge_intervals(intervals):
    """Merge overlapping intervals; touching ones count as overlapping."""
    merged = []
    # sorted by start, so that only the last one can overlap
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


if __name__ == "__main__":
    print(merge_intervals([[1, 3], [2, 6], [8, 10], [15, 18]]))
    print(merge_intervals([[1, 4], [4, 5]]))
    print(merge_intervals([]))
'''
LRU = '''from collections import OrderedDict


class LRUCache:
    """Keeps the entries that were used most recently."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be positive, not {capacity}")
        self._capacity = capacity
        self._items: OrderedDict[str, int] = OrderedDict()

    def get(self, key: str) -> int | None:
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key]

    def put(self, key: str, value: int) -> None:
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._capacity:
            self._items.popitem(last=False)


cache = LRUCache(2)
for name, number in (("a", 1), ("b", 2), ("c", 3)):
    cache.put(name, number)
print(cache.get("a"), cache.get("b"), cache.get("c"))
'''
LOOP = """def collatz_steps(n):
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


n = 27
while n != 0:
    print(collatz_steps(n))
"""

# title, code of each attempt, and how each ended: (verdict, output, error, limit)
STORIES: tuple[tuple[str, list[str], list[tuple[str, str, str, str]]], ...] = (
    (
        "Merge overlapping intervals\nWrite `merge_intervals(intervals)` that merges all "
        "overlapping intervals and returns them sorted by start. Touching intervals overlap.\n"
        "merge_intervals([[1, 3], [2, 6]]) -> [[1, 6]]\nmerge_intervals([[1, 4], [4, 5]]) -> "
        "[[1, 5]]",
        [MERGE_WRONG, MERGE_RIGHT],
        [
            (
                "failed",
                "",
                "Traceback (most recent call last):\n  File \"solution.py\", line 12, in <module>"
                "\n    assert merge_intervals([[1, 4], [4, 5]]) == [[1, 5]]\nAssertionError",
                "",
            ),
            ("passed", "[[1, 6], [8, 10], [15, 18]]\n[[1, 5]]\n[]\n", "", ""),
        ],
    ),
    (
        "Build a least recently used cache\nWrite a class `LRUCache(capacity)` with get and put in "
        "constant time; when it is full, the entry that was not used for longest goes.",
        [LRU],
        [("passed", "None 2 3\n", "", "")],
    ),
    (
        "Count the steps of the Collatz sequence\nWrite `collatz_steps(n)` that counts the steps "
        "until n is 1.\ncollatz_steps(27) -> 111",
        [LOOP, LOOP.replace("while n != 0", "if n"), LOOP.replace("while n != 0", "for n in [27]")],
        [
            ("timeout", "111\n" * 40, "stopped after 10 s", "10 s by the clock"),
            ("out_of_memory", "", "MemoryError", "512 MB of memory"),
            ("passed", "111\n", "", ""),
        ],
    ),
    (
        "Rotate a matrix by ninety degrees\nWrite `rotate(matrix)` that returns the matrix turned "
        "clockwise.\nrotate([[1, 2], [3, 4]]) -> [[3, 1], [4, 2]]",
        ["def rotate(matrix):\n    return [list(row) for row in zip(*matrix[::-1])]\n\n\n"
         "print(rotate([[1, 2], [3, 4]]))\n"],
        [("passed", "[[3, 1], [4, 2]]\n", "", "")],
    ),
    (
        "Check balanced brackets\nWrite `balanced(text)` that tells whether brackets match.",
        ["", "def balanced(text):\n    return text.count('(') == text.count(')')\n"] * 1
        + ["def balanced(text):\n    return text.count('[') == text.count(']')\n"],
        [
            ("no_code", "", "the answer contained no Python code", ""),
            ("failed", "", "AssertionError: balanced(')(') was True", ""),
            ("failed", "", "AssertionError: balanced('([)]') was True", ""),
        ],
    ),
)  # fmt: skip

REVIEW = (
    "The code does what the task asks: every example gave the expected result, and the empty "
    "input is handled.\n\nSorting takes O(n log n), the rest is one pass. The names are clear and "
    "the docstring says what touching intervals mean.\n\n- Good: no copy of the input is changed.\n"
    "- Could be better: type hints would tell what an interval is.\n\nVerdict: accepted."
)


def stamp(seconds_ago: float) -> str:
    """Return the time so many seconds ago as records carry it."""
    moment = datetime.fromtimestamp(time.time() - seconds_ago, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def story(
    number: int, age: float, *, until: str = "review", source: str = "producer"
) -> Iterator[Event]:
    """Tell a task's way through the mesh.

    Arguments:
        number: which story, and the task's id.
        age: how many seconds ago the task was made.
        until: the last kind of event that has happened.
        source: who made the task.
    """
    for kind, data, seconds_ago in _whole_story(number, age, source):
        yield kind, data, stamp(seconds_ago)
        if kind == until:
            return


def _whole_story(
    number: int, age: float, source: str
) -> Iterator[tuple[str, dict[str, Any], float]]:
    text, codes, endings = STORIES[number % len(STORIES)]
    task_id = f"p-19a{number:05x}"
    at = age
    for attempt, (code, ending) in enumerate(zip(codes, endings, strict=True), 1):
        asked = {"task_id": task_id, "task": text, "attempt": attempt}
        yield "task", asked | {"source": source if attempt == 1 else "sandbox"}, at
        kind, data, _ = line("consumer", "started", task_id, at - 0.1)
        yield kind, data, at - 0.1
        at -= 2.4
        solved = _solution(asked, code, attempt)
        yield "solution", solved, at
        at -= 0.3
        verdict = _verdict(solved, ending, is_last=attempt == len(codes))
        yield "verdict", verdict, at
    yield "review", _review(verdict), at - 1.6


def _solution(asked: dict[str, Any], code: str, attempt: int) -> dict[str, Any]:
    return asked | {
        "solution": code, "answer": code or "I am sorry, I cannot do that.", "model": "gemma3:1b",
        "input_tokens": 412 + 31 * attempt, "output_tokens": len(code) // 4 or 12,
        "duration_s": 1.7 + 0.3 * attempt, "memories": memories() if attempt > 1 else [],
    }  # fmt: skip


def _verdict(
    solved: dict[str, Any], ending: tuple[str, str, str, str], *, is_last: bool
) -> dict[str, Any]:
    verdict, output, error, limit = ending
    passed = verdict == "passed"
    reason = "passed" if passed else "failed, a fix is asked for"
    if is_last and not passed:
        reason = f"failed in all of its {solved['attempt']} attempts"
    return solved | {
        "success": passed, "exec_output": output, "verdict": verdict, "error": error,
        "exit_code": 0 if passed else 1, "signal": 9 if limit else None, "limit": limit,
        "wall_s": 10.0 if limit else 0.08 + solved["attempt"] / 100, "cpu_s": 0.06,
        "max_rss_bytes": 14 << 20, "isolation": LAYERS, "truncated": bool(limit),
        "cases_passed": 2 if passed else 0, "cases_total": 2, "final": passed or is_last,
        "reason": reason,
    }  # fmt: skip


def _review(verdict: dict[str, Any]) -> dict[str, Any]:
    kept = ("task_id", "task", "solution", "success", "exec_output", "verdict", "model")
    return {name: verdict[name] for name in kept} | {
        "attempts": verdict["attempt"], "review": REVIEW, "input_tokens": 655,
        "output_tokens": 131, "duration_s": 1.4,
    }  # fmt: skip


def memories() -> list[dict[str, Any]]:
    """Return what a consumer was reminded of."""
    return [
        {"kind": "failure", "task": "Merge calendars", "error": "AssertionError", "score": 0.91},
        {"kind": "pattern", "task": "Merge sorted lists", "error": "", "score": 0.84},
    ]


def line(agent: str, name: str, task_id: str, age: float, **data: Any) -> Event:
    """Return an event line of an agent."""
    body = {"type": "event", "agent": agent, "name": name, "task_id": task_id, "level": "info"}
    return "line", body | {"ts": stamp(age), "data": {"attempt": 1} | data}, stamp(age)


def log(agent: str, message: str, age: float, level: str = "info") -> Event:
    """Return a log line of an agent."""
    body = {"type": "log", "agent": agent, "message": message, "level": level, "ts": stamp(age)}
    return "line", body, stamp(age)


# the task of the last event of a busy mesh: where its card is shown, so is all before it
NEWEST_TASK = "p-19a00010"


def busy_mesh() -> list[Event]:
    """Return the events of a mesh that has been at work for a while."""
    told: list[Event] = []
    for number in range(14):
        told += story(number, 200.0 - 12 * number)
    told += story(14, 12.0, until="verdict", source="submit")
    told += story(15, 8.0, until="solution", source="stress")
    told += story(16, 3.0, until="task", source="external")
    told.append(log("producer", "LAG TOO HIGH. Throttling... lag 12 has reached the threshold "
                    "of 3", 40.0, "warning"))  # fmt: skip
    told.append(log("producer", "Lag is fine, producing. lag 2 is below the threshold of 3", 25.0))
    told.append(log("reviewer", "no usable review: the answer was empty", 30.0, "warning"))
    changed = {"state": "THROTTLED", "reason": "lag 12 has reached the threshold of 3"}
    told.append(("decision", changed | {"changed": True, "ts": stamp(41.0)}, stamp(41.0)))
    dead = {
        "task_id": "x-ai_topic-2-17", "topic": "ai_topic", "partition": 2, "offset": 17,
        "error": "the task has no text", "error_type": "Rejected", "text": '{"task": ""}',
    }  # fmt: skip
    told.append(("dead_letter", dead, stamp(33.0)))
    return sorted(told, key=lambda event: event[2])
