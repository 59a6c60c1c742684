"""Sliding windows and runs; the pitfall is to stop one too early."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_SUMS = Blueprint(
    key="window-sums",
    ask="Write a Python function `$f($a, $n)` that returns the sums of all windows of $n "
    "neighbouring $a, from left to right.",
    right="""
def $f($a, $n):
    if $n > len($a):
        return []
    total = sum($a[:$n])
    sums = [total]
    for end in range($n, len($a)):
        total += $a[end] - $a[end - $n]
        sums.append(total)
    return sums
""",
    wrong=(
        Wrong(
            "last-window",
            """
def $f($a, $n):
    return [sum($a[start:start + $n]) for start in range(len($a) - $n)]
""",
        ),
    ),
    remark="the running total makes it linear instead of quadratic",
    variants=(
        variant(
            "rain_sums",
            "Hydrologists add up the rain of several days in a row.",
            "$f([3, 0, 5, 2], 2) -> [3, 5, 7]",
            "$f([4, 4], 2) -> [8]",
            a="millimetres",
            n="days",
        ),
        variant(
            "rolling_revenue",
            "An accountant wants revenue over every stretch of consecutive months.",
            "$f([10, 20, 30, 40, 50], 3) -> [60, 90, 120]",
            "$f([7], 1) -> [7]",
            a="revenues",
            n="months",
        ),
        variant(
            "traffic_windows",
            "A router counts packets per second and looks at bursts.",
            "$f([9, 1, 8, 2, 7], 4) -> [20, 18]",
            "$f([1, 2], 3) -> []",
            a="packets",
            n="seconds",
        ),
        variant(
            "step_totals",
            "A fitness tracker shows the steps of neighbouring hours together.",
            "$f([120, 300, 80, 0, 40], 2) -> [420, 380, 80, 40]",
            "$f([55, 45, 100], 3) -> [200]",
            a="steps",
            n="hours",
        ),
    ),
)

_BEST = Blueprint(
    key="best-window",
    ask="Write a Python function `$f($a, $n)` that returns the index at which the window of $n "
    "neighbouring $a with the largest sum begins, the leftmost one among equals.",
    right="""
def $f($a, $n):
    total = best = sum($a[:$n])
    where = 0
    for end in range($n, len($a)):
        total += $a[end] - $a[end - $n]
        if total > best:
            best, where = total, end - $n + 1
    return where
""",
    wrong=(
        Wrong(
            "last-window",
            """
def $f($a, $n):
    best, where = None, 0
    for start in range(len($a) - $n):
        total = sum($a[start:start + $n])
        if best is None or total > best:
            best, where = total, start
    return where
""",
        ),
    ),
    remark="linear time with a running total",
    variants=(
        variant(
            "sunniest_stretch",
            "Holiday makers look for the sunniest days in a row.",
            "$f([4, 9, 8, 1], 2) -> 1",
            "$f([1, 2, 6, 7], 2) -> 2",
            a="sun_hours",
            n="days",
        ),
        variant(
            "busiest_counter",
            "A post office counts customers in each quarter of an hour.",
            "$f([5, 5, 1, 0], 2) -> 0",
            "$f([1, 1, 1, 9], 1) -> 3",
            a="customers",
            n="quarters",
        ),
        variant(
            "richest_vein",
            "Miners drill along a line and measure grams of gold in each metre.",
            "$f([0, 3, 3, 0, 2], 3) -> 0",
            "$f([0, 1, 0, 5, 5], 2) -> 3",
            a="grams",
            n="metres",
        ),
        variant(
            "loudest_passage",
            "An audio editor marks where a recording is loudest.",
            "$f([7, 7, 2, 7], 2) -> 0",
            "$f([1, 3, 2, 4, 6], 3) -> 2",
            a="levels",
            n="frames",
        ),
    ),
)

_RISE = Blueprint(
    key="longest-rise",
    ask="Write a Python function `$f($a)` that returns how many elements the longest strictly "
    "rising run of neighbouring $a has, and 0 if there are no $a at all.",
    right="""
def $f($a):
    longest = current = 0
    before = None
    for value in $a:
        current = current + 1 if before is not None and value > before else 1
        longest = max(longest, current)
        before = value
    return longest
""",
    wrong=(
        Wrong(
            "last-window",
            """
def $f($a):
    longest, current = 0, 1
    for left, right in zip($a, $a[1:]):
        if right > left:
            current += 1
        else:
            longest = max(longest, current)
            current = 1
    return longest
""",
        ),
        Wrong(
            "empty-input",
            """
def $f($a):
    longest, current = 1, 1
    before = $a[0]
    for value in $a[1:]:
        current = current + 1 if value > before else 1
        longest = max(longest, current)
        before = value
    return longest
""",
        ),
    ),
    remark="one pass and three variables",
    variants=(
        variant(
            "longest_climb",
            "A hiker notes the altitude at every stop.",
            "$f([300, 500, 450, 480, 700]) -> 3",
            "$f([]) -> 0",
            a="altitudes",
        ),
        variant(
            "growth_streak",
            "Investors admire companies whose profit grew year after year.",
            "$f([5, 4, 6, 7, 9]) -> 4",
            "$f([]) -> 0",
            a="profits",
        ),
        variant(
            "improvement_run",
            "A chess club tracks how a player's rating improved from game to game.",
            "$f([1500, 1510, 1490, 1495, 1502, 1503]) -> 4",
            "$f([]) -> 0",
            a="ratings",
        ),
        variant(
            "rising_tide",
            "A harbour gauge reads the water level every few minutes.",
            "$f([2, 3, 1, 2, 3, 4]) -> 4",
            "$f([]) -> 0",
            a="readings",
        ),
    ),
)

_DIFFERENCES = Blueprint(
    key="differences",
    ask="Write a Python function `$f($a)` that returns the list of differences between each of "
    "the $a and the one before it.",
    right="""
def $f($a):
    return [right - left for left, right in zip($a, $a[1:])]
""",
    remark="linear; zip stops at the shorter list",
    variants=(
        variant(
            "daily_changes",
            "A meter shows the total energy used so far, read once a day.",
            "$f([100, 104, 110]) -> [4, 6]",
            "$f([42]) -> []",
            a="totals",
        ),
        variant(
            "split_times",
            "Race officials stop the clock at each checkpoint.",
            "$f([0, 31, 65, 90]) -> [31, 34, 25]",
            "$f([]) -> []",
            a="clock_times",
        ),
        variant(
            "share_moves",
            "A newspaper prints how a share moved compared with the day before.",
            "$f([17, 15, 18]) -> [-2, 3]",
            "$f([3, 3]) -> [0]",
            a="quotes",
        ),
        variant(
            "page_gaps",
            "A proofreader jots down pages with mistakes and studies the distances.",
            "$f([4, 9, 10, 30]) -> [5, 1, 20]",
            "$f([12]) -> []",
            a="pages",
        ),
    ),
)

WINDOWS = Family(
    "windows",
    "Mind that the last window at the right end counts too.",
    (_SUMS, _BEST, _RISE, _DIFFERENCES),
)
