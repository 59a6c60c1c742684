"""Plain lists; the pitfall is an empty one."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_SPAN = Blueprint(
    key="span",
    ask="Write a Python function `$f($a)` that returns the largest of the $a minus the smallest.",
    right="""
def $f($a):
    if not $a:
        return 0
    return max($a) - min($a)
""",
    wrong=(
        Wrong(
            "empty-input",
            """
def $f($a):
    return max($a) - min($a)
""",
        ),
    ),
    remark="two passes over the list and no extra memory",
    variants=(
        variant(
            "temperature_span",
            "A weather station logs the temperature every hour.",
            "$f([12, 19, 7]) -> 12",
            "$f([]) -> 0",
            a="degrees",
        ),
        variant(
            "price_gap",
            "A market trader wants to see how far offers for one fruit lie apart.",
            "$f([250, 199, 310, 205]) -> 111",
            "$f([]) -> 0",
            a="offers",
        ),
        variant(
            "height_spread",
            "Surveyors measured several hills of a region in metres above the sea.",
            "$f([881, 1204, 640]) -> 564",
            "$f([]) -> 0",
            a="heights",
        ),
        variant(
            "lap_time_range",
            "A running coach keeps every lap of the athletes in seconds.",
            "$f([63, 61, 70, 66]) -> 9",
            "$f([]) -> 0",
            a="laps",
        ),
    ),
)

_MEAN = Blueprint(
    key="mean",
    ask="Write a Python function `$f($a)` that returns the arithmetic mean of the $a as a float, "
    "rounded to two decimal places; with nothing to average the result is 0.0.",
    right="""
def $f($a):
    if not $a:
        return 0.0
    return round(sum($a) / len($a), 2)
""",
    wrong=(
        Wrong(
            "empty-input",
            """
def $f($a):
    total = 0
    for value in $a:
        total += value
    return round(total / len($a), 2)
""",
        ),
    ),
    remark="linear time, constant memory",
    variants=(
        variant(
            "average_grade",
            "Teachers enter grades between 1 and 6 for a class.",
            "$f([1, 2, 2, 4]) -> 2.25",
            "$f([]) -> 0.0",
            a="grades",
        ),
        variant(
            "mean_rating",
            "A bookshop shows readers' star ratings next to its novels.",
            "$f([5, 4, 4]) -> 4.33",
            "$f([]) -> 0.0",
            a="stars",
        ),
        variant(
            "typical_delay",
            "The railway collects by how many minutes its trains were late.",
            "$f([0, 7, 3, 12, 1]) -> 4.6",
            "$f([]) -> 0.0",
            a="delays",
        ),
        variant(
            "usual_harvest",
            "An orchard weighs the apples of each tree after picking.",
            "$f([41, 38, 52]) -> 43.67",
            "$f([]) -> 0.0",
            a="kilograms",
        ),
    ),
)

_LONGEST = Blueprint(
    key="longest",
    ask="Write a Python function `$f($a)` that returns the longest string among the $a, the first "
    "one if several are equally long, and '' if there is none.",
    right="""
def $f($a):
    return max($a, key=len, default="")
""",
    remark="one pass; max keeps the first of equals",
    variants=(
        variant(
            "longest_surname",
            "A printer of name badges must know how wide a badge has to be.",
            "$f(['Li', 'Okafor', 'Smith', 'Garcia']) -> 'Okafor'",
            "$f([]) -> ''",
            a="surnames",
        ),
        variant(
            "widest_heading",
            "Columns of a table are as wide as their widest heading.",
            "$f(['id', 'city', 'zip code', 'state']) -> 'zip code'",
            "$f([]) -> ''",
            a="headings",
        ),
        variant(
            "deepest_path",
            "A backup tool complains about file names that are too long.",
            "$f(['a.txt', 'photos/cat.png', 'b.md']) -> 'photos/cat.png'",
            "$f([]) -> ''",
            a="files",
        ),
        variant(
            "lengthiest_motto",
            "Clubs sent in their mottos for a poster.",
            "$f(['onwards', 'never stop', 'stay calm!']) -> 'never stop'",
            "$f([]) -> ''",
            a="mottos",
        ),
    ),
)

_CHUNKS = Blueprint(
    key="chunks",
    ask="Write a Python function `$f($a, $n)` that splits the list $a into consecutive parts of $n "
    "elements each, where the final part may be shorter, and returns the list of these parts.",
    right="""
def $f($a, $n):
    return [$a[start:start + $n] for start in range(0, len($a), $n)]
""",
    remark="each element is copied once, so time and memory are linear",
    variants=(
        variant(
            "seat_rows",
            "Visitors of a cinema are seated row after row.",
            "$f(['a', 'b', 'c', 'd', 'e'], 2) -> [['a', 'b'], ['c', 'd'], ['e']]",
            "$f([], 3) -> []",
            a="visitors",
            n="width",
        ),
        variant(
            "ship_in_crates",
            "A warehouse ships bottles in crates of equal capacity.",
            "$f([11, 12, 13, 14, 15, 16], 3) -> [[11, 12, 13], [14, 15, 16]]",
            "$f([17], 6) -> [[17]]",
            a="bottles",
            n="capacity",
        ),
        variant(
            "paginate_results",
            "A search page shows its hits page by page.",
            "$f(['x', 'y', 'z'], 2) -> [['x', 'y'], ['z']]",
            "$f([], 10) -> []",
            a="hits",
            n="per_page",
        ),
        variant(
            "batch_requests",
            "A client may send only so many identifiers in one request.",
            "$f([1, 2, 3, 4, 5, 6, 7], 3) -> [[1, 2, 3], [4, 5, 6], [7]]",
            "$f([8, 9], 1) -> [[8], [9]]",
            a="identifiers",
            n="limit",
        ),
    ),
)

LISTS = Family("lists", "The list may be empty.", (_SPAN, _MEAN, _LONGEST, _CHUNKS))
