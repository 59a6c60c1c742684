"""Stacks; the pitfall is to pop from an empty one."""

from __future__ import annotations

from aimesh.embedded.rehearsal.catalogue.blueprint import Blueprint, Family, Wrong, variant

_POSTFIX = Blueprint(
    key="postfix",
    ask="Write a Python function `$f($a)` that evaluates $a, a list of whole numbers and of the "
    "operators '+', '-' and '*' where operators follow their two operands, and returns the number. "
    "It raises ValueError when operands are missing or left over.",
    right="""
def $f($a):
    stack = []
    for part in $a:
        if isinstance(part, int):
            stack.append(part)
            continue
        if len(stack) < 2:
            raise ValueError(f"operands are missing for {part!r}")
        right, left = stack.pop(), stack.pop()
        stack.append({"+": left + right, "-": left - right, "*": left * right}[part])
    if len(stack) != 1:
        raise ValueError("operands are left over")
    return stack[0]
""",
    wrong=(
        Wrong(
            "pop-from-empty",
            """
def $f($a):
    stack = []
    for part in $a:
        if isinstance(part, int):
            stack.append(part)
            continue
        right, left = stack.pop(), stack.pop()
        stack.append({"+": left + right, "-": left - right, "*": left * right}[part])
    if len(stack) != 1:
        raise ValueError("operands are left over")
    return stack[0]
""",
        ),
    ),
    check="""
try:
    $f([1, "+"])
except ValueError as exc:
    print("ValueError:", exc)
""",
    remark="each part is pushed and popped once, so it is linear",
    variants=(
        variant(
            "postfix_value",
            "Old pocket calculators used reverse Polish notation.",
            "$f([3, 4, '+', 2, '*']) -> 14",
            "$f([5]) -> 5",
            a="keys",
        ),
        variant(
            "run_formula",
            "A spreadsheet compiles formulas to a flat sequence of steps.",
            "$f([10, 2, 3, '*', '-']) -> 4",
            "$f([1, 1, '+']) -> 2",
            a="steps",
        ),
        variant(
            "stack_machine",
            "A tiny virtual machine executes arithmetic bytecode.",
            "$f([7, 2, '-', 2, '-']) -> 3",
            "$f([6, 7, '*']) -> 42",
            a="bytecode",
        ),
        variant(
            "rune_sum",
            "In a fantasy novel wizards write operators behind their numbers.",
            "$f([2, 2, '*', 2, '*', 1, '+']) -> 9",
            "$f([0]) -> 0",
            a="runes",
        ),
    ),
)

_UNDO = Blueprint(
    key="undo",
    ask="Write a Python function `$f($a)` that applies the list $a of commands: '$undo' takes back "
    "the latest $thing that is still there and does nothing when there is none, any other command "
    "adds a $thing. It returns the $things that remain.",
    right="""
def $f($a):
    kept = []
    for command in $a:
        if command != "$undo":
            kept.append(command)
        elif kept:
            kept.pop()
    return kept
""",
    wrong=(
        Wrong(
            "pop-from-empty",
            """
def $f($a):
    kept = []
    for command in $a:
        if command == "$undo":
            kept.pop()
        else:
            kept.append(command)
    return kept
""",
        ),
    ),
    remark="linear, with a list as the stack",
    variants=(
        variant(
            "edit_history",
            "A text editor can take back what was typed.",
            "$f(['a', 'b', 'undo', 'c']) -> ['a', 'c']",
            "$f(['undo', 'x']) -> ['x']",
            a="edits",
            undo="undo",
            thing="edit",
            things="edits",
        ),
        variant(
            "brush_strokes",
            "Painters at a tablet swipe left to remove a stroke.",
            "$f(['dot', 'line', 'swipe', 'swipe', 'swipe', 'arc']) -> ['arc']",
            "$f(['dot']) -> ['dot']",
            a="gestures",
            undo="swipe",
            thing="stroke",
            things="strokes",
        ),
        variant(
            "shopping_basket",
            "A self-service till has a button to cancel an article.",
            "$f(['milk', 'eggs', 'cancel']) -> ['milk']",
            "$f(['milk', 'cancel', 'cancel', 'bread']) -> ['bread']",
            a="scans",
            undo="cancel",
            thing="article",
            things="articles",
        ),
        variant(
            "browser_trail",
            "A web browser goes back from site to site.",
            "$f(['news', 'mail', 'back', 'maps']) -> ['news', 'maps']",
            "$f(['back', 'back']) -> []",
            a="clicks",
            undo="back",
            thing="site",
            things="sites",
        ),
    ),
)

_BALANCED = Blueprint(
    key="balanced",
    ask="Write a Python function `$f($a)` that tells whether every opening sign among $open in the "
    "string $a is closed by its partner in the right order, ignoring all other characters.",
    right="""
def $f($a):
    partners = dict(zip("$closing", "$opening"))
    stack = []
    for sign in $a:
        if sign in "$opening":
            stack.append(sign)
        elif sign in partners and (not stack or stack.pop() != partners[sign]):
            return False
    return not stack
""",
    remark="one pass with a stack",
    variants=(
        variant(
            "brackets_match",
            "A compiler checks the brackets of source code first.",
            "$f('f(a[0])') -> True",
            "$f('(]') -> False",
            a="code",
            open="( and [",
            opening="([",
            closing=")]",
        ),
        variant(
            "valid_json_shape",
            "A quick test for configuration files looks only at their shape.",
            "$f('{[]}{}') -> True",
            "$f('}') -> False",
            a="document",
            open="{ and [",
            opening="{[",
            closing="}]",
        ),
        variant(
            "tags_closed",
            "A markup language for poems uses angle and round signs.",
            "$f('<(o)>') -> True",
            "$f('<(>)') -> False",
            a="poem",
            open="< and (",
            opening="<(",
            closing=">)",
        ),
        variant(
            "dance_pairs",
            "Choreographers write a dance as signs for stepping forth and returning.",
            "$f('((..){})') -> True",
            "$f('(({})') -> False",
            a="dance",
            open="( and {",
            opening="({",
            closing=")}",
        ),
    ),
)

_PATH = Blueprint(
    key="tidy-path",
    ask="Write a Python function `$f($a)` that shortens $a: a part '.' says to stay, a part '..' "
    "goes up one level and stays at the top when it is there already. Parts are separated by '/', "
    "empty ones are ignored, and the result starts with '/'.",
    right="""
def $f($a):
    parts = []
    for part in $a.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
""",
    remark="linear but for copying when going up",
    variants=(
        variant(
            "tidy_path",
            "Shells accept clumsy paths of files.",
            "$f('/home/./ann/../bob') -> '/home/bob'",
            "$f('/..') -> '/'",
            a="path",
        ),
        variant(
            "resolve_link",
            "Links within a website may be relative.",
            "$f('/docs//intro/../api/') -> '/docs/api'",
            "$f('/') -> '/'",
            a="link",
        ),
        variant(
            "where_am_i",
            "A diver notes every cave entered and every way back.",
            "$f('cave/hall/../shaft') -> '/cave/shaft'",
            "$f('cave/../../lake') -> '/lake'",
            a="notes",
        ),
        variant(
            "archive_member",
            "An unpacking program must not write outside its target.",
            "$f('../../etc/passwd') -> '/etc/passwd'",
            "$f('a/b/./c') -> '/a/b/c'",
            a="member",
        ),
    ),
)

STACKS = Family(
    "stacks",
    "Nothing may be taken from an empty stack.",
    (_POSTFIX, _UNDO, _BALANCED, _PATH),
)
