"""Whole numbers; the pitfall is to keep a list of all of them."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_MULTIPLES = Blueprint(
    key="multiples",
    ask="Write a Python function `$f($n, $a, $b)` that returns how many whole numbers from 1 to "
    "$n can be divided by $a or by $b without a remainder.",
    right="""
from math import lcm


def $f($n, $a, $b):
    return $n // $a + $n // $b - $n // lcm($a, $b)
""",
    wrong=(
        Wrong(
            "too-much-memory",
            """
def $f($n, $a, $b):
    marked = [False] * ($n + 1)
    for step in ($a, $b):
        for number in range(step, $n + 1, step):
            marked[number] = True
    return sum(marked)
""",
        ),
    ),
    remark="a formula: constant time and memory",
    variants=(
        variant(
            "lit_windows",
            "In a tower, two timers switch on every so many windows.",
            "$f(20, 3, 5) -> 9",
            "$f(10 ** 15, 2, 4) -> 500000000000000",
            n="windows",
            a="first",
            b="second",
        ),
        variant(
            "bell_strikes",
            "Two church bells ring at different intervals of minutes.",
            "$f(100, 4, 6) -> 33",
            "$f(6 * 10 ** 15, 2, 3) -> 4000000000000000",
            n="minutes",
            a="small",
            b="large",
        ),
        variant(
            "winning_tickets",
            "A lottery pays for tickets whose number is a multiple of a lucky one.",
            "$f(30, 7, 11) -> 6",
            "$f(10 ** 16, 10, 100) -> 1000000000000000",
            n="tickets",
            a="lucky",
            b="bonus",
        ),
        variant(
            "comet_years",
            "Two comets return periodically; historians count years with a comet.",
            "$f(300, 76, 33) -> 12",
            "$f(10 ** 15, 5, 5) -> 200000000000000",
            n="years",
            a="halley",
            b="tuttle",
        ),
    ),
)

_DIGITS = Blueprint(
    key="divisible-sum",
    ask="Write a Python function `$f($n, $a)` that returns the sum of all whole numbers from 1 to "
    "$n which are multiples of $a.",
    right="""
def $f($n, $a):
    count = $n // $a
    return $a * count * (count + 1) // 2
""",
    wrong=(
        Wrong(
            "too-much-memory",
            """
def $f($n, $a):
    numbers = [0] * ($n + 1)
    for number in range($a, $n + 1, $a):
        numbers[number] = number
    return sum(numbers)
""",
        ),
    ),
    remark="the sum of an arithmetic series, in constant time",
    variants=(
        variant(
            "toll_total",
            "Cars on a bridge are counted, and some of them pay their own number as toll.",
            "$f(10, 5) -> 15",
            "$f(10 ** 15, 10 ** 14) -> 5500000000000000",
            n="cars",
            a="every",
        ),
        variant(
            "interest_steps",
            "A bank credits the number of the day on every payday.",
            "$f(31, 7) -> 70",
            "$f(2 * 10 ** 15, 10 ** 15) -> 3000000000000000",
            n="last_day",
            a="period",
        ),
        variant(
            "staircase_bricks",
            "A giant's staircase needs as many bricks for a step as its height.",
            "$f(12, 4) -> 24",
            "$f(10 ** 16, 10 ** 16) -> 10000000000000000",
            n="top",
            a="rise",
        ),
        variant(
            "checksum_of_sectors",
            "A disk controller adds up the numbers of its spare sectors.",
            "$f(9, 2) -> 20",
            "$f(10 ** 17, 10 ** 15) -> 5050000000000000000",
            n="sectors",
            a="stride",
        ),
    ),
)

_PRIMES = Blueprint(
    key="prime-factors",
    ask="Write a Python function `$f($n)` that returns the prime factors of $n, which is at least "
    "1, in ascending order and as often as they occur.",
    right="""
def $f($n):
    factors, divisor = [], 2
    while divisor * divisor <= $n:
        while $n % divisor == 0:
            factors.append(divisor)
            $n //= divisor
        divisor += 1
    if $n > 1:
        factors.append($n)
    return factors
""",
    remark="trial division up to the square root",
    variants=(
        variant(
            "prime_factors",
            "Number theorists take numbers apart.",
            "$f(360) -> [2, 2, 2, 3, 3, 5]",
            "$f(1) -> []",
            n="number",
        ),
        variant(
            "gear_teeth",
            "A watchmaker replaces one big gear by a train of small ones.",
            "$f(84) -> [2, 2, 3, 7]",
            "$f(97) -> [97]",
            n="teeth",
        ),
        variant(
            "parade_formations",
            "A sergeant arranges soldiers in a block of as many dimensions as possible.",
            "$f(60) -> [2, 2, 3, 5]",
            "$f(10 ** 6) -> [2, 2, 2, 2, 2, 2, 5, 5, 5, 5, 5, 5]",
            n="soldiers",
        ),
        variant(
            "crystal_lattice",
            "The number of atoms in a model crystal reveals its possible edges.",
            "$f(1001) -> [7, 11, 13]",
            "$f(64) -> [2, 2, 2, 2, 2, 2]",
            n="atoms",
        ),
    ),
)

_BASE = Blueprint(
    key="base",
    ask="Write a Python function `$f($n)` that returns $n, which is at least 0, as a string of "
    "digits in base $base, with the signs '$signs' for the digits.",
    right="""
def $f($n):
    signs = "$signs"
    text = ""
    while True:
        $n, digit = divmod($n, $base)
        text = signs[digit] + text
        if $n == 0:
            return text
""",
    remark="as many steps as there are digits",
    variants=(
        variant(
            "finger_digits",
            "Aliens with three fingers on each of their two hands learn to count.",
            "$f(43) -> '111'",
            "$f(0) -> '0'",
            n="amount",
            base="6",
            signs="012345",
        ),
        variant(
            "knot_number",
            "A string with knots of four kinds was used for bookkeeping.",
            "$f(27) -> 'bcd'",
            "$f(3) -> 'd'",
            n="sheep",
            base="4",
            signs="abcd",
        ),
        variant(
            "short_link",
            "A service turns identifiers into short links of few characters.",
            "$f(123) -> 'pf'",
            "$f(0) -> 'b'",
            n="identifier",
            base="12",
            signs="bcdfghjkmnpq",
        ),
        variant(
            "balance_weights",
            "Merchants write masses with the weights one, three, nine and so on.",
            "$f(14) -> '112'",
            "$f(81) -> '10000'",
            n="mass",
            base="3",
            signs="012",
        ),
    ),
)

NUMBERS = Family(
    "numbers",
    "Numbers may be as large as a trillion times a thousand, so memory must stay small.",
    (_MULTIPLES, _DIGITS, _PRIMES, _BASE),
)
