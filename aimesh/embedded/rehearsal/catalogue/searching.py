"""Searching by halving; the pitfall is a range that stops shrinking."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_FIRST = Blueprint(
    key="first-at-least",
    ask="Write a Python function `$f($a, $n)` that returns the index of the first element in the "
    "ascending list $a which is at least $n, and the length of the list if there is none. It must "
    "take logarithmic time.",
    right="""
def $f($a, $n):
    low, high = 0, len($a)
    while low < high:
        middle = (low + high) // 2
        if $a[middle] < $n:
            low = middle + 1
        else:
            high = middle
    return low
""",
    wrong=(
        Wrong(
            "endless-loop",
            """
def $f($a, $n):
    low, high = 0, len($a)
    while low < high:
        middle = (low + high) // 2
        if $a[middle] < $n:
            low = middle
        else:
            high = middle
    return low
""",
        ),
    ),
    remark="binary search: logarithmic time and constant memory",
    variants=(
        variant(
            "first_departure",
            "A traveller arrives at the station and wants the next bus.",
            "$f([5, 25, 45], 26) -> 2",
            "$f([5, 25, 45], 50) -> 3",
            a="departures",
            n="arrival",
        ),
        variant(
            "cheapest_fit",
            "Storage boxes are sorted by volume, and luggage must fit in.",
            "$f([10, 20, 30, 40], 30) -> 2",
            "$f([10, 20], 21) -> 2",
            a="volumes",
            n="luggage",
        ),
        variant(
            "version_since",
            "A changelog lists release numbers; find where a feature appeared.",
            "$f([1, 2, 3, 5, 8, 13], 6) -> 4",
            "$f([4], 9) -> 1",
            a="releases",
            n="wanted",
        ),
        variant(
            "tariff_bracket",
            "Tax law gives the upper bounds of brackets for an income.",
            "$f([9000, 30000, 70000], 31000) -> 2",
            "$f([9000, 30000], 30001) -> 2",
            a="bounds",
            n="income",
        ),
    ),
)

_ROOT = Blueprint(
    key="whole-root",
    ask="Write a Python function `$f($n)` that returns the largest whole number whose $power does "
    "not exceed $n. Find it by halving a range, without floating point numbers.",
    right="""
def $f($n):
    low, high = 0, $n
    while low < high:
        middle = (low + high + 1) // 2
        if middle ** $e <= $n:
            low = middle
        else:
            high = middle - 1
    return low
""",
    wrong=(
        Wrong(
            "endless-loop",
            """
def $f($n):
    low, high = 0, $n
    while low < high:
        middle = (low + high) // 2
        if middle ** $e <= $n:
            low = middle
        else:
            high = middle - 1
    return low
""",
        ),
    ),
    remark="as many steps as the number has bits",
    variants=(
        variant(
            "tile_side",
            "A tiler covers a square floor with unit tiles and has a limited stock.",
            "$f(50) -> 7",
            "$f(1) -> 1",
            n="stock",
            power="square",
            e="2",
        ),
        variant(
            "crate_edge",
            "Sugar cubes are stacked to one big solid cube.",
            "$f(100) -> 4",
            "$f(27) -> 3",
            n="cubes",
            power="third power",
            e="3",
        ),
        variant(
            "integer_sqrt",
            "Cryptographers need exact roots of enormous integers.",
            "$f(10 ** 20) -> 10000000000",
            "$f(99) -> 9",
            n="value",
            power="product with itself",
            e="2",
        ),
        variant(
            "fourth_root",
            "Heat radiation grows with the fourth power of temperature; invert this.",
            "$f(10000) -> 10",
            "$f(80) -> 2",
            n="radiation",
            power="fourth power",
            e="4",
        ),
    ),
)

_COUNT = Blueprint(
    key="count-sorted",
    ask="Write a Python function `$f($a, $n)` that returns how often $n occurs in the ascending "
    "list $a, without looking at every element.",
    right="""
from bisect import bisect_left, bisect_right


def $f($a, $n):
    return bisect_right($a, $n) - bisect_left($a, $n)
""",
    remark="two binary searches from the standard library",
    variants=(
        variant(
            "votes_for",
            "Ballots have been sorted by candidate number before counting.",
            "$f([1, 1, 2, 2, 2, 4], 2) -> 3",
            "$f([1, 1], 3) -> 0",
            a="ballots",
            n="candidate",
        ),
        variant(
            "same_birthday",
            "A registry keeps birth years of residents in order.",
            "$f([1960, 1971, 1971, 1988], 1971) -> 2",
            "$f([], 2000) -> 0",
            a="years",
            n="year",
        ),
        variant(
            "log_entries_with",
            "Sorted error codes of a server log lie in one huge array.",
            "$f([200, 200, 404, 500, 500, 500], 500) -> 3",
            "$f([200], 200) -> 1",
            a="codes",
            n="code",
        ),
        variant(
            "shoes_of_size",
            "A shoe shop's shelf is ordered by size.",
            "$f([36, 37, 37, 37, 41], 37) -> 3",
            "$f([36, 41], 38) -> 0",
            a="shelf",
            n="size",
        ),
    ),
)

_PEAK = Blueprint(
    key="peak",
    ask="The numbers in $a first rise strictly and then fall strictly. Write a Python function "
    "`$f($a)` that returns the index of the highest one in logarithmic time.",
    right="""
def $f($a):
    low, high = 0, len($a) - 1
    while low < high:
        middle = (low + high) // 2
        if $a[middle] < $a[middle + 1]:
            low = middle + 1
        else:
            high = middle
    return low
""",
    remark="each comparison halves what is left",
    variants=(
        variant(
            "summit_index",
            "A ridge was surveyed from one valley to the next.",
            "$f([1, 5, 9, 4]) -> 2",
            "$f([3, 2, 1]) -> 0",
            a="ridge",
        ),
        variant(
            "fever_peak",
            "A nurse charts a patient's temperature through an illness.",
            "$f([37, 38, 40, 39, 37, 36]) -> 2",
            "$f([36, 37]) -> 1",
            a="chart",
        ),
        variant(
            "apex_of_throw",
            "A camera samples the height of a ball that is thrown.",
            "$f([0, 7, 12, 15, 16, 15]) -> 4",
            "$f([8]) -> 0",
            a="samples",
        ),
        variant(
            "best_dose",
            "The effect of a drug grows with its dose until side effects win.",
            "$f([2, 6, 5, 4, 1]) -> 1",
            "$f([1, 2, 3, 4, 3]) -> 3",
            a="effects",
        ),
    ),
)

SEARCHING = Family(
    "searching",
    "Make sure that the searched range shrinks in every step.",
    (_FIRST, _ROOT, _COUNT, _PEAK),
)
