"""What commands print: JSON for programs, tables for people, plain lines where nobody looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from aimesh.commands.screen import Screen

# by word: how it looks; the word itself always says it too
STYLES = {
    "OK": "green",
    "ACTIVE": "green",
    "reviewed": "green",
    "passed": "green",
    "yes": "green",
    "WARN": "yellow",
    "BUSY": "cyan",
    "in_flight": "cyan",
    "THROTTLED": "yellow",
    "STALL": "bold red",
    "STOPPED": "bold red",
    "dead_lettered": "red",
    "failed": "red",
    "no": "red",
}


class Output:
    """Prints a command's facts.

    Arguments:
        as_json: whether the user wants JSON; then nothing else goes to standard output.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @cached_property
    def console(self) -> Console:
        """Where facts go."""
        from rich.console import Console

        return Console(highlight=False)

    @cached_property
    def errors(self) -> Screen:
        """Where progress and errors go."""
        from rich.console import Console

        from aimesh.commands.screen import Screen

        return Screen(Console(stderr=True, highlight=False))

    @property
    def is_live(self) -> bool:
        """Whether somebody looks at a terminal."""
        return self.console.is_terminal and not self.as_json

    def json(self, value: Any) -> None:
        """Print an object as JSON."""
        self.console.file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
        self.console.file.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line; nothing in it is taken for markup."""
        from rich.text import Text

        self.console.print(Text(text, style=style), soft_wrap=True)

    def show(self, renderable: RenderableType) -> None:
        """Print something that is laid out."""
        self.console.print(renderable)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, wrap: bool = False
    ) -> None:
        """Print rows: as a table in a terminal, in plain columns elsewhere.

        Arguments:
            wrap: whether the last column may take several lines in a terminal, or is cut.
        """
        cells = [[_text(value) for value in row] for row in rows]
        if self.is_live:
            self.show(table(columns, cells, wrap=wrap))
            return
        widths = [max(len(c) for c in column) for column in zip(columns, *cells, strict=True)]
        for row in ([name.upper() for name in columns], *cells):
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line("  ".join(padded).rstrip())

    def facts(self, facts: Iterable[tuple[str, Any]]) -> None:
        """Print names with their facts, a line each."""
        pairs = [(name, _text(value)) for name, value in facts]
        width = max(len(name) for name, _ in pairs)
        from rich.text import Text

        for name, value in pairs:
            text = Text.assemble((name.ljust(width + 2), "dim"), (value, STYLES.get(value, "")))
            self.console.print(text, soft_wrap=True)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    wrap: bool = False,
) -> RenderableType:
    """Return a table for a terminal; words that `STYLES` knows are coloured."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, expand=True
    )
    for name in columns[:-1]:
        made.add_column(name, no_wrap=True)
    # the last one has what room there is left
    made.add_column(columns[-1], no_wrap=not wrap, ratio=1)
    for row in rows:
        texts = [_text(value) for value in row]
        made.add_row(*(Text(text, style=STYLES.get(text, "")) for text in texts))
    return made


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    return str(value)
