"""Intervals; the pitfall is where one ends as the next begins."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_MERGE = Blueprint(
    key="merge",
    ask="Write a Python function `$f($a)` that takes a list of pairs (begin, end), joins all $a "
    "that overlap or touch, and returns the result as an ascending list of pairs.",
    right="""
def $f($a):
    merged = []
    for begin, end in sorted($a):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
""",
    wrong=(
        Wrong(
            "touching-ends",
            """
def $f($a):
    merged = []
    for begin, end in sorted($a):
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
""",
        ),
    ),
    remark="sorting dominates with n log n",
    variants=(
        variant(
            "merge_shifts",
            "Guards work in shifts, and the museum wants to know when it is watched.",
            "$f([(6, 14), (14, 22)]) -> [(6, 22)]",
            "$f([]) -> []",
            a="shifts",
        ),
        variant(
            "road_works",
            "Road works between kilometres are announced on the radio.",
            "$f([(30, 35), (10, 12), (12, 20)]) -> [(10, 20), (30, 35)]",
            "$f([(1, 2)]) -> [(1, 2)]",
            a="sites",
        ),
        variant(
            "painted_fence",
            "Neighbours each painted a part of one long fence.",
            "$f([(0, 4), (2, 5), (5, 6)]) -> [(0, 6)]",
            "$f([(3, 4), (0, 1)]) -> [(0, 1), (3, 4)]",
            a="parts",
        ),
        variant(
            "memory_regions",
            "An allocator unites free regions of memory addresses.",
            "$f([(256, 512), (0, 256), (1024, 2048)]) -> [(0, 512), (1024, 2048)]",
            "$f([(8, 16), (8, 12)]) -> [(8, 16)]",
            a="regions",
        ),
    ),
)

_ROOMS = Blueprint(
    key="rooms",
    ask="Write a Python function `$f($a)` that takes a list of pairs (begin, end) of $a and "
    "returns how many $things are needed at least; one that becomes free at some time can be "
    "used again at that very time.",
    right="""
def $f($a):
    changes = sorted([(begin, 1) for begin, _ in $a] + [(end, -1) for _, end in $a])
    used = most = 0
    for _, change in changes:
        used += change
        most = max(most, used)
    return most
""",
    wrong=(
        Wrong(
            "touching-ends",
            """
def $f($a):
    most = 0
    for moment, _ in $a:
        most = max(most, sum(begin <= moment <= end for begin, end in $a))
    return most
""",
        ),
    ),
    remark="a sweep over sorted begins and ends",
    variants=(
        variant(
            "meeting_rooms",
            "Meetings of a company take place all day.",
            "$f([(9, 10), (10, 11), (9, 11)]) -> 2",
            "$f([]) -> 0",
            a="meetings",
            things="rooms",
        ),
        variant(
            "gates_needed",
            "Aircraft occupy a gate from arrival to departure.",
            "$f([(5, 8), (8, 9), (8, 12)]) -> 2",
            "$f([(1, 2)]) -> 1",
            a="flights",
            things="gates",
        ),
        variant(
            "cranes_for_ships",
            "Each ship in the harbour keeps one crane busy.",
            "$f([(0, 3), (3, 6), (6, 9)]) -> 1",
            "$f([(0, 9), (1, 8), (2, 7)]) -> 3",
            a="ships",
            things="cranes",
        ),
        variant(
            "tables_reserved",
            "A restaurant plans its evening by reservations.",
            "$f([(18, 20), (19, 21), (20, 22)]) -> 2",
            "$f([(18, 19), (21, 22)]) -> 1",
            a="reservations",
            things="tables",
        ),
    ),
)

_GAPS = Blueprint(
    key="gaps",
    ask="Write a Python function `$f($a, $b, $c)` that returns the ascending list of pairs "
    "(begin, end) of all times between $b and $c which none of the $a covers.",
    right="""
def $f($a, $b, $c):
    free = []
    for begin, end in sorted($a):
        if begin > $b:
            free.append(($b, min(begin, $c)))
        $b = max($b, end)
    if $b < $c:
        free.append(($b, $c))
    return free
""",
    wrong=(
        Wrong(
            "touching-ends",
            """
def $f($a, $b, $c):
    free = []
    for begin, end in sorted($a):
        if begin >= $b:
            free.append(($b, begin))
        $b = max($b, end)
    if $b <= $c:
        free.append(($b, $c))
    return free
""",
        ),
        Wrong(
            "last-group",
            """
def $f($a, $b, $c):
    free = []
    for begin, end in sorted($a):
        if begin > $b:
            free.append(($b, begin))
        $b = end
    return free
""",
        ),
    ),
    remark="one pass over the sorted intervals",
    hopeless=True,
    variants=(
        variant(
            "free_hours",
            "A dentist offers the free time between appointments.",
            "$f([(9, 10), (10, 12)], 8, 14) -> [(8, 9), (12, 14)]",
            "$f([], 8, 9) -> [(8, 9)]",
            a="appointments",
            b="opening",
            c="closing",
        ),
        variant(
            "idle_spans",
            "A factory studies when its press stood still.",
            "$f([(3, 5), (5, 7)], 0, 8) -> [(0, 3), (7, 8)]",
            "$f([(0, 4)], 0, 6) -> [(4, 6)]",
            a="jobs",
            b="start",
            c="stop",
        ),
        variant(
            "silent_moments",
            "A sound engineer looks for silence between the instruments.",
            "$f([(1, 2), (2, 3)], 0, 10) -> [(0, 1), (3, 10)]",
            "$f([(4, 5)], 0, 9) -> [(0, 4), (5, 9)]",
            a="instruments",
            b="intro",
            c="outro",
        ),
        variant(
            "unguarded_times",
            "Burglars in a film plan around the patrols.",
            "$f([(22, 23), (23, 24)], 20, 30) -> [(20, 22), (24, 30)]",
            "$f([(21, 22)], 20, 25) -> [(20, 21), (22, 25)]",
            a="patrols",
            b="dusk",
            c="dawn",
        ),
    ),
)

_COVER = Blueprint(
    key="covered",
    ask="Write a Python function `$f($a)` that takes a list of pairs (begin, end) and returns the "
    "total length that is covered by at least one of the $a.",
    right="""
def $f($a):
    covered, reached = 0, None
    for begin, end in sorted($a):
        if reached is None or begin > reached:
            reached = begin
        if end > reached:
            covered += end - reached
            reached = end
    return covered
""",
    remark="sorted once, then linear",
    variants=(
        variant(
            "shaded_metres",
            "Trees along an avenue cast shadows that overlap.",
            "$f([(0, 3), (2, 5), (8, 9)]) -> 6",
            "$f([]) -> 0",
            a="shadows",
        ),
        variant(
            "online_minutes",
            "A mobile operator bills the minutes in which a phone was online.",
            "$f([(10, 20), (15, 18)]) -> 10",
            "$f([(1, 4)]) -> 3",
            a="sessions",
        ),
        variant(
            "snow_cover",
            "Ploughs report the sections of a pass that they cleared.",
            "$f([(5, 9), (0, 2), (1, 3)]) -> 7",
            "$f([(2, 4), (4, 6)]) -> 4",
            a="sections",
        ),
        variant(
            "wifi_range",
            "Routers are placed along a corridor, each reaching some metres.",
            "$f([(-3, 3), (1, 6)]) -> 9",
            "$f([(0, 1), (0, 1)]) -> 1",
            a="ranges",
        ),
    ),
)

INTERVALS = Family(
    "intervals",
    "Take care of intervals of which one ends exactly where another begins.",
    (_MERGE, _ROOMS, _GAPS, _COVER),
)
