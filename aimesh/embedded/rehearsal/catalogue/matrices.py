"""Lists of lists; the pitfalls are to change the argument, and rows that are one and the same."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_QUARTER = Blueprint(
    key="quarter-turn",
    ask="Write a Python function `$f($a)` that returns $a turned clockwise by a quarter, as a new "
    "list of rows.",
    right="""
def $f($a):
    return [list(column) for column in zip(*reversed($a))]
""",
    wrong=(
        Wrong(
            "changed-argument",
            """
def $f($a):
    $a.reverse()
    return [list(column) for column in zip(*$a)]
""",
        ),
    ),
    remark="every cell is copied once",
    variants=(
        variant(
            "turn_photo",
            "A photo album rotates pictures that were taken sideways.",
            "$f([[1, 2], [3, 4]]) -> [[3, 1], [4, 2]]",
            "(lambda grid: ($f(grid), grid)[1])([[5], [6]]) -> [[5], [6]]",
            a="photo",
        ),
        variant(
            "rotate_board",
            "In a board game a player looks at the board from another side.",
            "$f([['r', 'n'], ['p', 'k']]) -> [['p', 'r'], ['k', 'n']]",
            "(lambda board: ($f(board), board)[1])([['x'], ['o']]) -> [['x'], ['o']]",
            a="board",
        ),
        variant(
            "spin_piece",
            "Falling bricks of an arcade classic are spun by a key press.",
            "$f([[1, 1, 1], [0, 1, 0]]) -> [[0, 1], [1, 1], [0, 1]]",
            "(lambda brick: ($f(brick), brick)[1])([[1, 0], [1, 1]]) -> [[1, 0], [1, 1]]",
            a="brick",
        ),
        variant(
            "landscape_print",
            "A printer driver lays a sheet of characters crosswise.",
            "$f([['a', 'b', 'c']]) -> [['a'], ['b'], ['c']]",
            "(lambda sheet: ($f(sheet), sheet)[1])([['q'], ['r'], ['s']]) -> [['q'], ['r'], ['s']]",
            a="sheet",
        ),
    ),
)

_CLAMP = Blueprint(
    key="clamp",
    ask="Write a Python function `$f($a, $n)` that returns a new list of rows like $a in which "
    "every number above $n is replaced by $n.",
    right="""
def $f($a, $n):
    return [[min(value, $n) for value in row] for row in $a]
""",
    wrong=(
        Wrong(
            "changed-argument",
            """
def $f($a, $n):
    for row in $a:
        for index, value in enumerate(row):
            if value > $n:
                row[index] = $n
    return $a
""",
        ),
    ),
    remark="one pass over all cells into new rows",
    variants=(
        variant(
            "cap_brightness",
            "Astronomers limit overexposed pixels of a telescope image.",
            "$f([[10, 300], [260, 5]], 255) -> [[10, 255], [255, 5]]",
            "(lambda image: ($f(image, 9), image)[1])([[12, 8]]) -> [[12, 8]]",
            a="pixels",
            n="ceiling",
        ),
        variant(
            "limit_salaries",
            "A budget commission caps bonuses in all departments.",
            "$f([[900], [2000, 1500]], 1600) -> [[900], [1600, 1500]]",
            "(lambda table: ($f(table, 1), table)[1])([[3, 0], [1, 2]]) -> [[3, 0], [1, 2]]",
            a="bonuses",
            n="cap",
        ),
        variant(
            "fill_terraces",
            "A farmer levels terraces whose soil is too high.",
            "$f([[3, 5, 4]], 4) -> [[3, 4, 4]]",
            "(lambda field: ($f(field, 2), field)[1])([[2, 3], [4, 1]]) -> [[2, 3], [4, 1]]",
            a="soil",
            n="level",
        ),
        variant(
            "quota_per_region",
            "Fishing fleets may not land more than their quota per harbour.",
            "$f([[70, 20], [55, 90]], 60) -> [[60, 20], [55, 60]]",
            "(lambda catch: ($f(catch, 10), catch)[1])([[11], [10], [9]]) -> [[11], [10], [9]]",
            a="landings",
            n="quota",
        ),
    ),
)

_MARKED = Blueprint(
    key="marked-grid",
    ask="Write a Python function `$f($h, $w, $a)` that returns $h rows of $w characters '.' each, "
    "as lists, in which every (row, column) pair among the $a carries '#'.",
    right="""
def $f($h, $w, $a):
    grid = [["."] * $w for _ in range($h)]
    for row, column in $a:
        grid[row][column] = "#"
    return grid
""",
    wrong=(
        Wrong(
            "shared-rows",
            """
def $f($h, $w, $a):
    grid = [["."] * $w] * $h
    for row, column in $a:
        grid[row][column] = "#"
    return grid
""",
        ),
    ),
    remark="time and memory are those of the grid",
    variants=(
        variant(
            "draw_mines",
            "A mine sweeping game shows where its mines were.",
            "$f(2, 2, [(0, 1)]) -> [['.', '#'], ['.', '.']]",
            "$f(1, 3, []) -> [['.', '.', '.']]",
            a="mines",
            h="height",
            w="width",
        ),
        variant(
            "seating_plan",
            "The box office prints which seats of a theatre are sold.",
            "$f(3, 2, [(0, 0), (2, 1)]) -> [['#', '.'], ['.', '.'], ['.', '#']]",
            "$f(1, 1, [(0, 0)]) -> [['#']]",
            a="sold",
            h="rows",
            w="seats",
        ),
        variant(
            "island_map",
            "Pirates mark islands on an otherwise empty chart.",
            "$f(2, 3, [(1, 0), (1, 2)]) -> [['.', '.', '.'], ['#', '.', '#']]",
            "$f(2, 1, []) -> [['.'], ['.']]",
            a="islands",
            h="degrees_north",
            w="degrees_east",
        ),
        variant(
            "punch_card",
            "A jacquard loom reads holes in cards.",
            "$f(2, 4, [(0, 3), (1, 1)]) -> [['.', '.', '.', '#'], ['.', '#', '.', '.']]",
            "$f(1, 2, [(0, 1)]) -> [['.', '#']]",
            a="holes",
            h="lines",
            w="positions",
        ),
    ),
)

_DIAGONALS = Blueprint(
    key="diagonal-sums",
    ask="Write a Python function `$f($a)` that returns the pair of the sums along both diagonals "
    "of the square $a, first from the upper left corner, then from the upper right one.",
    right="""
def $f($a):
    size = len($a)
    falling = sum($a[index][index] for index in range(size))
    rising = sum($a[index][size - 1 - index] for index in range(size))
    return falling, rising
""",
    remark="linear in the side of the square",
    variants=(
        variant(
            "magic_diagonals",
            "Mathematicians test whether a square of numbers is magic.",
            "$f([[2, 7, 6], [9, 5, 1], [4, 3, 8]]) -> (15, 15)",
            "$f([[1]]) -> (1, 1)",
            a="square",
        ),
        variant(
            "crossing_paths",
            "Two gardeners walk straight across a square park and count roses.",
            "$f([[1, 2], [3, 4]]) -> (5, 5)",
            "$f([]) -> (0, 0)",
            a="park",
        ),
        variant(
            "bishop_scores",
            "Every field of a chess variant is worth some points for bishops.",
            "$f([[0, 5], [5, 0]]) -> (0, 10)",
            "$f([[1, 0, 1], [0, 1, 0], [1, 0, 1]]) -> (3, 3)",
            a="fields",
        ),
        variant(
            "quilt_stripes",
            "A quilt has patches of different prices, and two ribbons cross it.",
            "$f([[3, 3], [4, 4]]) -> (7, 7)",
            "$f([[8, 1, 2], [1, 8, 1], [2, 1, 8]]) -> (24, 12)",
            a="quilt",
        ),
    ),
)

MATRICES = Family(
    "matrices",
    "The rows must be independent, and the argument must stay as it was.",
    (_QUARTER, _CLAMP, _MARKED, _DIAGONALS),
)
