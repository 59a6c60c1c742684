"""Dynamic programming; the pitfall is to solve the same part again and again."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_WAYS = Blueprint(
    key="ways",
    ask="Write a Python function `$f($n)` that returns in how many ways $n can be written as a sum "
    "of the numbers $steps, where the order matters.",
    right="""
def $f($n):
    ways = [1]
    for total in range(1, $n + 1):
        ways.append(sum(ways[total - step] for step in ($steps) if step <= total))
    return ways[$n]
""",
    wrong=(
        Wrong(
            "too-slow",
            """
def $f($n):
    if $n == 0:
        return 1
    return sum($f($n - step) for step in ($steps) if step <= $n)
""",
        ),
    ),
    remark="every total is worked out once, from the smaller ones",
    variants=(
        variant(
            "ladder_climbs",
            "Fire fighters climb a ladder taking one rung or two at once.",
            "$f(4) -> 5",
            "$f(90) -> 4660046610375530309",
            n="rungs",
            steps="1, 2",
        ),
        variant(
            "stamp_strips",
            "Stamps of three values are glued in a row onto a letter.",
            "$f(7) -> 12",
            "$f(120) -> 168262258007645147104833",
            n="postage",
            steps="1, 3, 5",
        ),
        variant(
            "rhythm_count",
            "Indian drummers fill a bar with short and long syllables.",
            "$f(5) -> 2",
            "$f(150) -> 856798505175074247",
            n="bar",
            steps="2, 3",
        ),
        variant(
            "kerb_parking",
            "A kerb is filled with motorbikes, cars and lorries without a gap.",
            "$f(6) -> 18",
            "$f(100) -> 1620185239269438747405058",
            n="kerb",
            steps="1, 2, 4",
        ),
    ),
)

_FEWEST = Blueprint(
    key="fewest-coins",
    ask="Write a Python function `$f($a, $n)` that returns the least number of $things, each used "
    "as often as one likes, whose $a add up to exactly $n, or -1 if it cannot be done.",
    right="""
def $f($a, $n):
    fewest = [0] + [$n + 1] * $n
    for total in range(1, $n + 1):
        for value in $a:
            if value <= total:
                fewest[total] = min(fewest[total], fewest[total - value] + 1)
    return fewest[$n] if fewest[$n] <= $n else -1
""",
    wrong=(
        Wrong(
            "too-slow",
            """
def $f($a, $n):
    if $n == 0:
        return 0
    found = [$f($a, $n - value) for value in $a if value <= $n]
    found = [count + 1 for count in found if count >= 0]
    return min(found) if found else -1
""",
        ),
    ),
    remark="the amount times the number of kinds",
    variants=(
        variant(
            "fewest_coins",
            "A vending machine gives change.",
            "$f([1, 4, 5], 8) -> 2",
            "$f([2, 5, 10], 287) -> 30",
            a="values",
            n="change",
            things="coins",
        ),
        variant(
            "pipe_pieces",
            "Plumbers join pipes of standard lengths.",
            "$f([3, 7], 5) -> -1",
            "$f([3, 7, 8], 250) -> 32",
            a="lengths",
            n="distance",
            things="pipes",
        ),
        variant(
            "dart_throws",
            "Darts players must reach their remaining score precisely.",
            "$f([20, 19, 1], 60) -> 3",
            "$f([20, 3, 1], 501) -> 26",
            a="fields",
            n="score",
            things="throws",
        ),
        variant(
            "crate_loads",
            "A truck is to carry a given mass in crates.",
            "$f([4, 6], 9) -> -1",
            "$f([6, 9, 20], 343) -> 21",
            a="masses",
            n="freight",
            things="crates",
        ),
    ),
)

_COMMON = Blueprint(
    key="common",
    ask="Write a Python function `$f($a, $b)` that returns the length of the longest sequence of "
    "$things which occurs in both $a and $b in the same order, though not necessarily without "
    "gaps.",
    right="""
def $f($a, $b):
    row = [0] * (len($b) + 1)
    for left in $a:
        before = 0
        for index, right in enumerate($b):
            above = row[index + 1]
            row[index + 1] = before + 1 if left == right else max(above, row[index])
            before = above
    return row[-1]
""",
    remark="quadratic time, memory for one row",
    variants=(
        variant(
            "shared_melody",
            "A music scholar compares two songs note by note.",
            "$f('CDEFG', 'CEG') -> 3",
            "$f('', 'CC') -> 0",
            a="song",
            b="cover",
            things="notes",
        ),
        variant(
            "kept_lines",
            "A version control system shows which lines of a file were kept.",
            "$f(['a', 'b', 'c'], ['b', 'x', 'c']) -> 2",
            "$f(['a'], ['b']) -> 0",
            a="old",
            b="new",
            things="lines",
        ),
        variant(
            "gene_similarity",
            "Two strands of DNA are related if they agree in many bases.",
            "$f('GATTACA', 'TACATGA') -> 4",
            "$f('AC', 'AC') -> 2",
            a="mouse",
            b="human",
            things="bases",
        ),
        variant(
            "route_overlap",
            "Hitchhikers look for drivers who pass the same towns as they do.",
            "$f(['Rome', 'Pisa', 'Nice'], ['Pisa', 'Rome', 'Nice']) -> 2",
            "$f([], []) -> 0",
            a="driver",
            b="hiker",
            things="towns",
        ),
    ),
)

_APART = Blueprint(
    key="apart",
    ask="Write a Python function `$f($a)` that returns the largest sum one can get by choosing "
    "some of the $a so that no two chosen ones are neighbours in the list.",
    right="""
def $f($a):
    with_last = without_last = 0
    for value in $a:
        with_last, without_last = without_last + value, max(with_last, without_last)
    return max(with_last, without_last)
""",
    remark="linear with two variables",
    variants=(
        variant(
            "billboard_income",
            "A law forbids advertising on two adjacent houses.",
            "$f([5, 1, 1, 5]) -> 10",
            "$f([]) -> 0",
            a="rents",
        ),
        variant(
            "rest_days",
            "An athlete needs a day of rest after each competition.",
            "$f([2, 7, 9, 3, 1]) -> 12",
            "$f([4]) -> 4",
            a="prizes",
        ),
        variant(
            "tree_felling",
            "Foresters never cut trees that stand next to each other.",
            "$f([10, 30, 10, 10, 30]) -> 60",
            "$f([2, 1]) -> 2",
            a="timber",
        ),
        variant(
            "radio_masts",
            "Masts on adjacent hills would disturb each other's signal.",
            "$f([6, 6, 6]) -> 12",
            "$f([1, 8, 7, 1]) -> 9",
            a="audiences",
        ),
    ),
)

DYNAMIC = Family(
    "dynamic",
    "Large inputs must not take exponential time.",
    (_WAYS, _FEWEST, _COMMON, _APART),
)
