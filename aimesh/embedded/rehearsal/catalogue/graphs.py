"""Graphs as dictionaries; the pitfall is a node that has no entry of its own."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_REACHABLE = Blueprint(
    key="reachable",
    ask="Write a Python function `$f($a, $n)` that returns the sorted list of all $things which "
    "can be reached from $n in any number of steps, $n included. $a maps $things to the lists of "
    "those that follow directly.",
    right="""
def $f($a, $n):
    seen, waiting = {$n}, [$n]
    while waiting:
        for following in $a.get(waiting.pop(), []):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return sorted(seen)
""",
    wrong=(
        Wrong(
            "missing-key",
            """
def $f($a, $n):
    seen, waiting = {$n}, [$n]
    while waiting:
        for following in $a[waiting.pop()]:
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return sorted(seen)
""",
        ),
    ),
    remark="every edge is looked at once",
    variants=(
        variant(
            "towns_downstream",
            "Canal boats travel between towns in one direction only.",
            "$f({'a': ['b'], 'b': ['a', 'c']}, 'a') -> ['a', 'b', 'c']",
            "$f({}, 'z') -> ['z']",
            a="canals",
            n="start",
            things="towns",
        ),
        variant(
            "affected_services",
            "When a service fails, those that call it fail as well.",
            "$f({'db': ['api'], 'api': ['web', 'app']}, 'db') -> ['api', 'app', 'db', 'web']",
            "$f({'db': []}, 'db') -> ['db']",
            a="callers",
            n="broken",
            things="services",
        ),
        variant(
            "rumour_spread",
            "A rumour is passed on between pupils of a school.",
            "$f({1: [2, 3], 3: [4]}, 1) -> [1, 2, 3, 4]",
            "$f({1: [1]}, 1) -> [1]",
            a="friends",
            n="first",
            things="pupils",
        ),
        variant(
            "included_headers",
            "A build system tracks which headers other headers include.",
            "$f({'m.h': ['u.h', 't.h'], 'u.h': ['t.h']}, 'm.h') -> ['m.h', 't.h', 'u.h']",
            "$f({'m.h': ['u.h']}, 'u.h') -> ['u.h']",
            a="includes",
            n="header",
            things="headers",
        ),
    ),
)

_STEPS = Blueprint(
    key="fewest-steps",
    ask="Write a Python function `$f($a, $b, $c)` that returns the least number of $moves from $b "
    "to $c, or -1 when there is no way. $a maps each place to the list of places one of the $moves "
    "away.",
    right="""
from collections import deque


def $f($a, $b, $c):
    steps, waiting = {$b: 0}, deque([$b])
    while waiting:
        place = waiting.popleft()
        if place == $c:
            return steps[place]
        for following in $a.get(place, []):
            if following not in steps:
                steps[following] = steps[place] + 1
                waiting.append(following)
    return -1
""",
    wrong=(
        Wrong(
            "missing-key",
            """
from collections import deque


def $f($a, $b, $c):
    steps, waiting = {$b: 0}, deque([$b])
    while waiting:
        place = waiting.popleft()
        for following in $a[place]:
            if following not in steps:
                steps[following] = steps[place] + 1
                waiting.append(following)
    return steps.get($c, -1)
""",
        ),
    ),
    remark="breadth first search over nodes and edges",
    variants=(
        variant(
            "tube_stops",
            "Commuters compare underground lines by their stops.",
            "$f({'A': ['B'], 'B': ['C', 'D']}, 'A', 'D') -> 2",
            "$f({'A': ['B']}, 'A', 'X') -> -1",
            a="lines",
            b="board",
            c="alight",
            moves="rides",
        ),
        variant(
            "handshake_distance",
            "Sociologists measure over how many handshakes people know each other.",
            "$f({1: [2], 2: [3], 3: [4]}, 1, 4) -> 3",
            "$f({1: [2]}, 2, 1) -> -1",
            a="contacts",
            b="person",
            c="celebrity",
            moves="handshakes",
        ),
        variant(
            "frog_jumps",
            "A frog crosses a pond from water lily to water lily.",
            "$f({0: [2, 3], 2: [5], 3: [5, 6]}, 0, 6) -> 2",
            "$f({}, 7, 7) -> 0",
            a="lilies",
            b="bank",
            c="goal",
            moves="jumps",
        ),
        variant(
            "wiki_clicks",
            "Players of a wiki race click from article to article.",
            "$f({'Cat': ['Milk'], 'Milk': ['Cow']}, 'Cat', 'Cow') -> 2",
            "$f({'Cat': ['Milk']}, 'Cat', 'Sun') -> -1",
            a="articles",
            b="origin",
            c="target",
            moves="clicks",
        ),
    ),
)

_ORDER = Blueprint(
    key="ordering",
    ask="Write a Python function `$f($a)` that returns all $things in an order in which each comes "
    "after those it needs, choosing the alphabetically smallest whenever there is a choice; the "
    "result is an empty list when they need each other in a circle. $a maps $things to the lists "
    "of what they need.",
    right="""
import heapq


def $f($a):
    needs = {item: set(needed) for item, needed in $a.items()}
    for needed in $a.values():
        for item in needed:
            needs.setdefault(item, set())
    ready = [item for item, needed in needs.items() if not needed]
    heapq.heapify(ready)
    order = []
    while ready:
        done = heapq.heappop(ready)
        order.append(done)
        for item, needed in needs.items():
            if done in needed:
                needed.remove(done)
                if not needed:
                    heapq.heappush(ready, item)
    return order if len(order) == len(needs) else []
""",
    remark="Kahn's algorithm with a heap for the choice",
    variants=(
        variant(
            "build_order",
            "Libraries are compiled one after the other.",
            "$f({'app': ['ui', 'net'], 'ui': ['base']}) -> ['base', 'net', 'ui', 'app']",
            "$f({'x': ['y'], 'y': ['x']}) -> []",
            a="libraries",
            things="libraries",
        ),
        variant(
            "study_plan",
            "University lectures build upon each other.",
            "$f({'algebra': [], 'physics': ['algebra']}) -> ['algebra', 'physics']",
            "$f({'logic': ['logic']}) -> []",
            a="lectures",
            things="lectures",
        ),
        variant(
            "morning_routine",
            "Nobody puts on shoes before socks.",
            "$f({'shoes': ['socks'], 'coat': ['shirt']}) -> ['shirt', 'coat', 'socks', 'shoes']",
            "$f({}) -> []",
            a="clothes",
            things="clothes",
        ),
        variant(
            "cake_schedule",
            "Bakers wait for dough, cream and glaze in turn.",
            "$f({'glaze': ['cream'], 'cream': ['dough']}) -> ['dough', 'cream', 'glaze']",
            "$f({'oven': []}) -> ['oven']",
            a="stages",
            things="stages",
        ),
    ),
)

_GROUPS = Blueprint(
    key="components",
    ask="Write a Python function `$f($a)` that takes a list of pairs of $things that are linked "
    "and returns how many groups these form when linked ones belong together.",
    right="""
def $f($a):
    leader = {}

    def find(item):
        while leader.setdefault(item, item) != item:
            leader[item] = item = leader[leader[item]]
        return item

    for left, right in $a:
        leader[find(left)] = find(right)
    return sum(find(item) == item for item in list(leader))
""",
    remark="union and find, practically linear",
    variants=(
        variant(
            "friend_circles",
            "A social network suggests clubs to circles of friends.",
            "$f([(1, 2), (3, 4), (2, 5)]) -> 2",
            "$f([]) -> 0",
            a="friendships",
            things="members",
        ),
        variant(
            "power_islands",
            "Engineers check into how many islands a power grid falls apart.",
            "$f([('a', 'b'), ('b', 'c')]) -> 1",
            "$f([('d', 'e'), ('f', 'g')]) -> 2",
            a="cables",
            things="stations",
        ),
        variant(
            "duplicate_clusters",
            "Editors report pairs of duplicate questions.",
            "$f([(10, 11), (12, 13), (14, 15), (11, 14)]) -> 2",
            "$f([(1, 1)]) -> 1",
            a="reports",
            things="questions",
        ),
        variant(
            "language_areas",
            "Speakers of neighbouring villages understand each other.",
            "$f([('Hof', 'Au'), ('Au', 'Hof')]) -> 1",
            "$f([('Hof', 'Au'), ('Zell', 'Au'), ('See', 'Ried')]) -> 2",
            a="neighbours",
            things="villages",
        ),
    ),
)

GRAPHS = Family(
    "graphs",
    "A node may occur as a successor only, without a key of its own.",
    (_REACHABLE, _STEPS, _ORDER, _GROUPS),
)
