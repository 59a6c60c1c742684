"""How a task of the catalogue is written down, and what is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from aimesh.core.cases import Case


@dataclass(frozen=True)
class Wrong:
    """A first try that fails: the pitfall that it falls into, and its code (a template)."""

    pitfall: str
    code: str


@dataclass(frozen=True)
class Variant:
    """What one task of a blueprint has for itself: names, a scene, two examples."""

    name: str
    scene: str
    examples: tuple[str, ...]
    words: Mapping[str, str]


@dataclass(frozen=True)
class Blueprint:
    """A coding task whose variants differ in names, scene and examples.

    Texts and code are templates: ``$f`` is the function's name, other words come from the variant.
    ``check`` is code that every program of the task ends with, after it has printed the examples.
    A hopeless task is never solved: its wrong tries come in turn.
    """

    key: str
    ask: str
    right: str
    remark: str
    variants: tuple[Variant, ...]
    wrong: tuple[Wrong, ...] = ()
    check: str = ""
    hopeless: bool = False


@dataclass(frozen=True)
class Family:
    """Tasks that belong together. ``hint`` ends every statement and names their pitfall."""

    name: str
    hint: str
    blueprints: tuple[Blueprint, ...]


@dataclass(frozen=True)
class Entry:
    """One task of the catalogue, ready to be proposed and solved.

    ``code`` is its right solution and ``wrong_code`` the first tries that fail, with the pitfall
    of each. ``check`` is code that every program of the task ends with.
    """

    key: str
    family: str
    name: str
    statement: str
    cases: tuple[Case, ...]
    code: str
    wrong_code: tuple[str, ...]
    pitfalls: tuple[str, ...]
    check: str
    remark: str
    hopeless: bool

    @property
    def right(self) -> str:
        """The whole program that solves the task and prints the examples."""
        return self._program(self.code)

    @property
    def wrong(self) -> tuple[str, ...]:
        """The whole programs that fail, in the order in which they are tried."""
        return tuple(self._program(code) for code in self.wrong_code)

    def _program(self, code: str) -> str:
        shown = [f"print({case.call + ' ->'!r}, {case.call})" for case in self.cases]
        return code + "\n\n\n" + "\n".join([*shown, *filter(None, [self.check])]) + "\n"


def variant(name: str, scene: str, *examples: str, **words: str) -> Variant:
    """Write down a variant; examples are ``$f(...) -> result``."""
    return Variant(name, scene, examples, words)


def entries_of(family: Family) -> list[Entry]:
    """Make the tasks of a family."""
    return [
        _entry(family, blueprint, number, chosen)
        for blueprint in family.blueprints
        for number, chosen in enumerate(blueprint.variants, 1)
    ]


def with_examples(statement: str, cases: Sequence[Case]) -> str:
    """A statement followed by a line for each example."""
    return "\n".join([statement, *(f"Example: {c.call} -> {c.expected}" for c in cases)])


def _entry(family: Family, blueprint: Blueprint, number: int, chosen: Variant) -> Entry:
    words = {"f": chosen.name, **chosen.words}

    def filled(template: str) -> str:
        return Template(template.strip("\n")).substitute(words)

    cases = tuple(_case(filled(example)) for example in chosen.examples)
    statement = f"{filled(chosen.scene)} {filled(blueprint.ask)} {family.hint}"
    return Entry(
        key=f"{family.name}/{blueprint.key}/{number}",
        family=family.name,
        name=chosen.name,
        statement=with_examples(statement, cases),
        cases=cases,
        code=filled(blueprint.right),
        wrong_code=tuple(filled(item.code) for item in blueprint.wrong),
        pitfalls=tuple(item.pitfall for item in blueprint.wrong),
        check=filled(blueprint.check),
        remark=blueprint.remark,
        hopeless=blueprint.hopeless,
    )


def _case(example: str) -> Case:
    call, _, expected = example.rpartition(" -> ")
    return Case(call, expected)
