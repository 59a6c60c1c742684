"""Strings and their groups; the pitfall is to lose the last group."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_RUNS = Blueprint(
    key="run-lengths",
    ask="Write a Python function `$f($a)` that returns a list of pairs (character, count), one for "
    "each run of equal neighbouring characters in the string $a.",
    right="""
from itertools import groupby


def $f($a):
    return [(sign, len(list(run))) for sign, run in groupby($a)]
""",
    wrong=(
        Wrong(
            "last-group",
            """
def $f($a):
    pairs, count = [], 0
    before = $a[:1]
    for sign in $a:
        if sign == before:
            count += 1
        else:
            pairs.append((before, count))
            before, count = sign, 1
    return pairs
""",
        ),
    ),
    remark="linear, groupby keeps no more than one run",
    variants=(
        variant(
            "fax_runs",
            "Fax machines transmit how many dots of one colour follow each other.",
            "$f('wwwbww') -> [('w', 3), ('b', 1), ('w', 2)]",
            "$f('') -> []",
            a="line",
        ),
        variant(
            "dna_runs",
            "Biologists look for repeats of one base in a strand of DNA.",
            "$f('AAGT') -> [('A', 2), ('G', 1), ('T', 1)]",
            "$f('CCCC') -> [('C', 4)]",
            a="strand",
        ),
        variant(
            "keyboard_bounce",
            "A worn out keyboard repeats letters, which an engineer analyses.",
            "$f('heelllo') -> [('h', 1), ('e', 2), ('l', 3), ('o', 1)]",
            "$f('x') -> [('x', 1)]",
            a="typed",
        ),
        variant(
            "drum_pattern",
            "A drummer writes beats as letters and wants a compact notation.",
            "$f('xx--x') -> [('x', 2), ('-', 2), ('x', 1)]",
            "$f('-') -> [('-', 1)]",
            a="beats",
        ),
    ),
)

_FIELDS = Blueprint(
    key="quoted-fields",
    ask="Write a Python function `$f($a)` that splits the string $a at every '$sep' outside of "
    "single quotes and returns the parts, with the quotes removed.",
    right="""
def $f($a):
    parts, current, quoted = [], "", False
    for sign in $a:
        if sign == "'":
            quoted = not quoted
        elif sign == "$sep" and not quoted:
            parts.append(current)
            current = ""
        else:
            current += sign
    parts.append(current)
    return parts
""",
    wrong=(
        Wrong(
            "last-group",
            """
def $f($a):
    parts, current, quoted = [], "", False
    for sign in $a:
        if sign == "'":
            quoted = not quoted
        elif sign == "$sep" and not quoted:
            parts.append(current)
            current = ""
        else:
            current += sign
    return parts
""",
        ),
    ),
    remark="a small state machine over the characters",
    variants=(
        variant(
            "csv_cells",
            "Spreadsheets are exchanged as lines of cells.",
            "$f(\"a,'b,c',d\") -> ['a', 'b,c', 'd']",
            "$f('') -> ['']",
            a="row",
            sep=",",
        ),
        variant(
            "command_words",
            "A home automation hub reads commands with several arguments.",
            "$f(\"say;'hi;there'\") -> ['say', 'hi;there']",
            "$f('stop') -> ['stop']",
            a="command",
            sep=";",
        ),
        variant(
            "address_lines",
            "An envelope printer gets postal addresses on a single line.",
            "$f(\"J. Doe|'1|2 Elm St'|Bath\") -> ['J. Doe', '1|2 Elm St', 'Bath']",
            "$f('|') -> ['', '']",
            a="address",
            sep="|",
        ),
        variant(
            "recipe_steps",
            "A cooking robot receives its instructions separated by slashes.",
            "$f(\"stir/'1/2 cup'/serve\") -> ['stir', '1/2 cup', 'serve']",
            "$f('wait/') -> ['wait', '']",
            a="instructions",
            sep="/",
        ),
    ),
)

_RANGES = Blueprint(
    key="ranges",
    ask="Write a Python function `$f($a)` that writes the ascending list of distinct $a as text: "
    "stretches of consecutive numbers as 'first-last', single numbers alone, joined by commas.",
    right="""
def $f($a):
    parts = []
    for value in $a:
        if parts and value == parts[-1][1] + 1:
            parts[-1][1] = value
        else:
            parts.append([value, value])
    return ",".join(f"{a}-{b}" if a < b else str(a) for a, b in parts)
""",
    wrong=(
        Wrong(
            "last-group",
            """
def $f($a):
    parts = []
    first = last = $a[0] if $a else 0
    for value in $a[1:]:
        if value == last + 1:
            last = value
        else:
            parts.append(f"{first}-{last}" if first < last else str(first))
            first = last = value
    return ",".join(parts)
""",
        ),
        Wrong(
            "single-member",
            """
def $f($a):
    parts = []
    for value in $a:
        if parts and value == parts[-1][1] + 1:
            parts[-1][1] = value
        else:
            parts.append([value, value])
    return ",".join(f"{a}-{b}" for a, b in parts)
""",
        ),
    ),
    remark="one pass that grows the latest stretch",
    variants=(
        variant(
            "print_pages",
            "A print dialog summarises chosen sheets.",
            "$f([1, 2, 3, 7]) -> '1-3,7'",
            "$f([]) -> ''",
            a="sheets",
        ),
        variant(
            "free_rooms",
            "A hotel tells its guests which room numbers are free.",
            "$f([101, 103, 104]) -> '101,103-104'",
            "$f([9]) -> '9'",
            a="rooms",
        ),
        variant(
            "missing_stickers",
            "Children swap football stickers and list what they lack.",
            "$f([5, 8, 9, 10, 12]) -> '5,8-10,12'",
            "$f([1, 2]) -> '1-2'",
            a="stickers",
        ),
        variant(
            "open_ports",
            "A network scanner reports the ports that answered.",
            "$f([22, 80, 81]) -> '22,80-81'",
            "$f([443]) -> '443'",
            a="ports",
        ),
    ),
)

_SHIFT = Blueprint(
    key="shift",
    ask="Write a Python function `$f($a, $n)` that replaces every lower case letter from a to z in "
    "the string $a by the one $n places later, starting again at a after z, and leaves everything "
    "else.",
    right="""
def $f($a, $n):
    letters = "abcdefghijklmnopqrstuvwxyz"
    places = $n % 26
    return $a.translate(str.maketrans(letters, letters[places:] + letters[:places]))
""",
    remark="str.translate does the work in one pass",
    variants=(
        variant(
            "caesar_shift",
            "Caesar is said to have enciphered his letters.",
            "$f('veni, vidi', 3) -> 'yhql, ylgl'",
            "$f('', 5) -> ''",
            a="letter",
            n="places",
        ),
        variant(
            "spoiler_text",
            "A film forum hides spoilers by rotating their letters.",
            "$f('the end', 13) -> 'gur raq'",
            "$f('Zz9', 1) -> 'Za9'",
            a="spoiler",
            n="rotation",
        ),
        variant(
            "robot_dialect",
            "Two toy robots speak dialects with moved alphabets.",
            "$f('beep boop', 2) -> 'dggr dqqr'",
            "$f('xyz', 29) -> 'abc'",
            a="speech",
            n="offset",
        ),
        variant(
            "undo_cipher",
            "Codebreakers try all keys, also negative ones.",
            "$f('bcd', -1) -> 'abc'",
            "$f('a', -27) -> 'z'",
            a="ciphertext",
            n="key",
        ),
    ),
)

TEXTS = Family(
    "texts",
    "Do not forget the last group of characters.",
    (_RUNS, _FIELDS, _RANGES, _SHIFT),
)
