"""Counting and grouping with dictionaries; the pitfall is the order among equals."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_COMMON = Blueprint(
    key="most-common",
    ask="Write a Python function `$f($a)` that returns pairs (name, count) for all different "
    "$a, the most frequent first and equally frequent ones by name.",
    right="""
from collections import Counter


def $f($a):
    return sorted(Counter($a).items(), key=lambda pair: (-pair[1], pair[0]))
""",
    wrong=(
        Wrong(
            "tie-order",
            """
from collections import Counter


def $f($a):
    return Counter($a).most_common()
""",
        ),
    ),
    remark="counting is linear, sorting the different names takes n log n",
    variants=(
        variant(
            "popular_dishes",
            "A canteen evaluates which dishes were ordered at noon.",
            "$f(['soup', 'rice', 'soup', 'fish']) -> [('soup', 2), ('fish', 1), ('rice', 1)]",
            "$f([]) -> []",
            a="dishes",
        ),
        variant(
            "frequent_visitors",
            "Door sensors record the badge of everybody who enters.",
            "$f(['zoe', 'amy', 'zoe', 'amy', 'kim']) -> [('amy', 2), ('zoe', 2), ('kim', 1)]",
            "$f(['kim']) -> [('kim', 1)]",
            a="badges",
        ),
        variant(
            "bird_census",
            "Volunteers report each bird they spot in their gardens.",
            "$f(['wren', 'tit', 'robin', 'tit']) -> [('tit', 2), ('robin', 1), ('wren', 1)]",
            "$f(['owl', 'owl']) -> [('owl', 2)]",
            a="birds",
        ),
        variant(
            "word_ranking",
            "A linguist ranks the vocabulary of a text.",
            "$f(['to', 'be', 'or', 'to', 'be']) -> [('be', 2), ('to', 2), ('or', 1)]",
            "$f(['a']) -> [('a', 1)]",
            a="tokens",
        ),
    ),
)

_ANAGRAMS = Blueprint(
    key="anagrams",
    ask="Write a Python function `$f($a)` that groups those $a which consist of the same letters. "
    "It returns a list of groups; every group is sorted, and so is the list.",
    right="""
def $f($a):
    groups = {}
    for item in $a:
        groups.setdefault("".join(sorted(item)), []).append(item)
    return sorted(sorted(group) for group in groups.values())
""",
    wrong=(
        Wrong(
            "tie-order",
            """
def $f($a):
    groups = {}
    for item in $a:
        groups.setdefault("".join(sorted(item)), []).append(item)
    return list(groups.values())
""",
        ),
        Wrong(
            "inner-order",
            """
def $f($a):
    groups = {}
    for item in $a:
        groups.setdefault("".join(sorted(item)), []).append(item)
    return sorted(groups.values())
""",
        ),
    ),
    remark="sorting the letters of every word is what costs most",
    variants=(
        variant(
            "anagram_groups",
            "A puzzle magazine prints anagrams side by side.",
            "$f(['tea', 'bat', 'eat']) -> [['bat'], ['eat', 'tea']]",
            "$f(['dog']) -> [['dog']]",
            a="words",
        ),
        variant(
            "shuffled_labels",
            "A faulty printer swaps letters within its labels.",
            "$f(['zyx', 'xyz', 'abc']) -> [['abc'], ['xyz', 'zyx']]",
            "$f([]) -> []",
            a="labels",
        ),
        variant(
            "same_tiles",
            "Two plays in a board game may use exactly the same tiles.",
            "$f(['stop', 'pots', 'ace', 'tops']) -> [['ace'], ['pots', 'stop', 'tops']]",
            "$f(['on', 'no']) -> [['no', 'on']]",
            a="plays",
        ),
        variant(
            "code_families",
            "Secret agents permute the characters of code names.",
            "$f(['m16', '6m1', 'fox', '16m']) -> [['16m', '6m1', 'm16'], ['fox']]",
            "$f(['x', 'x']) -> [['x', 'x']]",
            a="codes",
        ),
    ),
)

_RANK = Blueprint(
    key="ranking",
    ask="Write a Python function `$f($a)` that takes a dictionary from names to $points and "
    "returns the names, most $points first and equal ones in alphabetical order.",
    right="""
def $f($a):
    return sorted($a, key=lambda name: (-$a[name], name))
""",
    remark="one sort with a key of two parts",
    variants=(
        variant(
            "league_table",
            "Football teams are ranked at the end of a season.",
            "$f({'Reds': 10, 'Blues': 12, 'Greens': 10}) -> ['Blues', 'Greens', 'Reds']",
            "$f({}) -> []",
            a="teams",
            points="goals",
        ),
        variant(
            "donor_list",
            "A charity thanks its donors in its annual report.",
            "$f({'Mo': 50, 'Al': 50, 'Vi': 80}) -> ['Vi', 'Al', 'Mo']",
            "$f({'Bo': 5}) -> ['Bo']",
            a="donors",
            points="euros",
        ),
        variant(
            "podium_order",
            "Gymnasts wait for the jury's decision.",
            "$f({'Iva': 9, 'Ann': 8, 'Eve': 9}) -> ['Eve', 'Iva', 'Ann']",
            "$f({'Ute': 7, 'Pia': 7}) -> ['Pia', 'Ute']",
            a="gymnasts",
            points="marks",
        ),
        variant(
            "largest_cities",
            "An atlas lists the cities of a country in a table.",
            "$f({'Ulm': 126, 'Bonn': 330, 'Trier': 111}) -> ['Bonn', 'Ulm', 'Trier']",
            "$f({'Rome': 1, 'Oslo': 1}) -> ['Oslo', 'Rome']",
            a="cities",
            points="inhabitants",
        ),
    ),
)

_INVERT = Blueprint(
    key="invert",
    ask="Write a Python function `$f($a)` that turns the dictionary $a, in which every key has a "
    "list of $things, around: each of the $things is mapped to the sorted list of its keys.",
    right="""
def $f($a):
    turned = {}
    for key in sorted($a):
        for item in $a[key]:
            turned.setdefault(item, []).append(key)
    return turned
""",
    remark="linear apart from sorting the keys once",
    variants=(
        variant(
            "pages_by_keyword",
            "The index of a textbook is built from the keywords of its chapters.",
            "$f({'ch2': ['heap'], 'ch1': ['heap']}) -> {'heap': ['ch1', 'ch2']}",
            "$f({}) -> {}",
            a="chapters",
            things="keywords",
        ),
        variant(
            "speakers_by_language",
            "An agency knows which languages its interpreters speak.",
            "$f({'Tom': ['fr'], 'Eli': ['fr', 'de']}) -> {'fr': ['Eli', 'Tom'], 'de': ['Eli']}",
            "$f({'Max': []}) -> {}",
            a="interpreters",
            things="languages",
        ),
        variant(
            "shops_by_product",
            "Shoppers ask which shop of the mall sells what.",
            "$f({'deli': ['ham', 'tea'], 'cafe': []}) -> {'ham': ['deli'], 'tea': ['deli']}",
            "$f({'kiosk': ['gum']}) -> {'gum': ['kiosk']}",
            a="shops",
            things="products",
        ),
        variant(
            "courses_by_student",
            "A dean's office enters who attends each course.",
            "$f({'math': ['ben'], 'art': ['ben']}) -> {'ben': ['art', 'math']}",
            "$f({'yoga': ['lea']}) -> {'lea': ['yoga']}",
            a="courses",
            things="students",
        ),
    ),
)

COUNTING = Family(
    "counting",
    "The order of the result is fixed, also among equals.",
    (_COMMON, _ANAGRAMS, _RANK, _INVERT),
)
