"""Chains and nested structures; the pitfall is Python's limit on recursion."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_END = Blueprint(
    key="chain-end",
    ask="The dictionary $a maps each $thing to the one that follows it. Write a Python function "
    "`$f($a, $n)` that starts at $n and returns the last $thing of its chain.",
    right="""
def $f($a, $n):
    while $n in $a:
        $n = $a[$n]
    return $n
""",
    wrong=(
        Wrong(
            "recursion-limit",
            """
def $f($a, $n):
    if $n not in $a:
        return $n
    return $f($a, $a[$n])
""",
        ),
    ),
    remark="a loop needs constant memory where recursion needs a frame for every link",
    variants=(
        variant(
            "final_address",
            "Web pages redirect to other pages, which may redirect again.",
            "$f({'a': 'b', 'b': 'c'}, 'a') -> 'c'",
            "$f({n: n + 1 for n in range(20000)}, 0) -> 20000",
            a="redirects",
            n="page",
            thing="page",
        ),
        variant(
            "current_owner",
            "A land register records to whom each owner sold a meadow.",
            "$f({'Ada': 'Bob', 'Bob': 'Cleo'}, 'Bob') -> 'Cleo'",
            "$f({n: n - 1 for n in range(1, 30000)}, 29999) -> 0",
            a="sales",
            n="owner",
            thing="owner",
        ),
        variant(
            "last_wagon",
            "Shunters know behind which railway wagon each wagon is coupled.",
            "$f({7: 3, 3: 9}, 7) -> 9",
            "$f({n: n + 2 for n in range(0, 50000, 2)}, 0) -> 50000",
            a="couplings",
            n="wagon",
            thing="wagon",
        ),
        variant(
            "newest_edition",
            "Librarians note which edition replaced an older edition of a manual.",
            "$f({'1st': '2nd'}, '2nd') -> '2nd'",
            "$f({n: n * 1 + 1 for n in range(15000)}, 14000) -> 15000",
            a="replacements",
            n="edition",
            thing="edition",
        ),
    ),
)

_LEVEL = Blueprint(
    key="tree-level",
    ask="The dictionary $a gives the $parent of each $thing; the topmost $thing is not among its "
    "keys. Write a Python function `$f($a, $n)` that returns how many levels $n is below the top.",
    right="""
def $f($a, $n):
    level = 0
    while $n in $a:
        $n = $a[$n]
        level += 1
    return level
""",
    wrong=(
        Wrong(
            "recursion-limit",
            """
def $f($a, $n):
    if $n not in $a:
        return 0
    return 1 + $f($a, $a[$n])
""",
        ),
    ),
    remark="time grows with the level, memory does not",
    variants=(
        variant(
            "rank_below_ceo",
            "An organisation chart names everybody's superior.",
            "$f({'clerk': 'head', 'head': 'boss'}, 'clerk') -> 2",
            "$f({n: n - 1 for n in range(1, 6000)}, 5999) -> 5999",
            a="chart",
            n="employee",
            parent="superior",
            thing="employee",
        ),
        variant(
            "folder_depth",
            "A file system stores in which folder every folder lies.",
            "$f({'src': '/', 'core': 'src'}, '/') -> 0",
            "$f({n: n // 1 - 1 for n in range(1, 12000)}, 11000) -> 11000",
            a="inside",
            n="folder",
            parent="enclosing folder",
            thing="folder",
        ),
        variant(
            "generations_back",
            "A genealogist follows mothers back through the centuries.",
            "$f({'Eva': 'Ida', 'Ida': 'Una', 'Una': 'Ola'}, 'Eva') -> 3",
            "$f({n: n + 1 for n in range(9000)}, 0) -> 9000",
            a="mothers",
            n="person",
            parent="mother",
            thing="woman",
        ),
        variant(
            "reply_depth",
            "In a forum each message answers another message of the thread.",
            "$f({5: 4, 4: 1}, 5) -> 2",
            "$f({n: n - 3 for n in range(3, 24000, 3)}, 23997) -> 7999",
            a="answers",
            n="message",
            parent="answered message",
            thing="message",
        ),
    ),
)

_FLATTEN = Blueprint(
    key="flatten",
    ask="Write a Python function `$f($a)` that returns all $things in the nested list $a as one "
    "flat list, from left to right.",
    right="""
def $f($a):
    flat, waiting = [], [iter($a)]
    while waiting:
        for item in waiting[-1]:
            if isinstance(item, list):
                waiting.append(iter(item))
                break
            flat.append(item)
        else:
            waiting.pop()
    return flat
""",
    remark="a stack of iterators takes the place of recursion",
    variants=(
        variant(
            "unpack_parcels",
            "Parcels contain gifts or smaller parcels.",
            "$f(['ball', ['kite', ['doll']]]) -> ['ball', 'kite', 'doll']",
            "$f([[], [[]]]) -> []",
            a="parcel",
            things="gifts",
        ),
        variant(
            "all_ingredients",
            "A recipe consists of ingredients and of other recipes.",
            "$f([['flour', 'water'], 'salt']) -> ['flour', 'water', 'salt']",
            "$f([]) -> []",
            a="recipe",
            things="ingredients",
        ),
        variant(
            "flat_playlist",
            "Songs are kept in playlists, and playlists in playlists.",
            "$f([1, [2, [3, 4], 5], 6]) -> [1, 2, 3, 4, 5, 6]",
            "$f([[[7]]]) -> [7]",
            a="playlist",
            things="songs",
        ),
        variant(
            "menu_items",
            "The menu of a desktop program has submenus of any depth.",
            "$f(['open', ['zoom', ['in', 'out']]]) -> ['open', 'zoom', 'in', 'out']",
            "$f(['quit']) -> ['quit']",
            a="menu",
            things="items",
        ),
    ),
)

_SUBSETS = Blueprint(
    key="subsets",
    ask="Write a Python function `$f($a)` that returns all selections from the list of distinct "
    "$a, the empty one included, as lists in the order of $a; sort them by length, then content.",
    right="""
from itertools import combinations


def $f($a):
    found = [list(pick) for size in range(len($a) + 1) for pick in combinations($a, size)]
    return sorted(found, key=lambda pick: (len(pick), pick))
""",
    remark="exponentially many results, so the time cannot be less",
    variants=(
        variant(
            "topping_choices",
            "Guests of a pizzeria choose any toppings they like.",
            "$f(['ham', 'olives']) -> [[], ['ham'], ['olives'], ['ham', 'olives']]",
            "$f([]) -> [[]]",
            a="toppings",
        ),
        variant(
            "delegations",
            "A parliament sends delegations of any number of members.",
            "$f([1, 2, 3]) -> [[], [1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]]",
            "$f([9]) -> [[], [9]]",
            a="members",
        ),
        variant(
            "feature_sets",
            "Testers switch every feature of an app on or off.",
            "$f(['dark', 'sync']) -> [[], ['dark'], ['sync'], ['dark', 'sync']]",
            "$f(['beta']) -> [[], ['beta']]",
            a="features",
        ),
        variant(
            "coin_purses",
            "A numismatist may put any of the rare coins into a purse.",
            "$f([10, 50]) -> [[], [10], [50], [10, 50]]",
            "$f([]) -> [[]]",
            a="coins",
        ),
    ),
)

CHAINS = Family(
    "chains",
    "Chains and nesting may be many thousand levels deep.",
    (_END, _LEVEL, _FLATTEN, _SUBSETS),
)
