"""What a long-running command tells in the terminal: plain sentences, one a line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text


class Screen:
    """Tells what was done, what should be known and what went wrong."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def say(self, text: str, style: str = "") -> None:
        """Tell something; nothing in it is taken for markup."""
        self._print(Text(text, style=style))

    def done(self, text: str) -> None:
        """Tell what succeeded."""
        self._marked("✔", "green", text)

    def note(self, text: str) -> None:
        """Tell what the user should know."""
        self._marked("!", "yellow", text)

    def fail(self, text: str) -> None:
        """Tell what ends the command."""
        self._marked("✘", "bold red", text)

    def rows(self, rows: Iterable[tuple[str, str]]) -> None:
        """Tell facts, with their names in a column."""
        rows = list(rows)
        width = max(len(name) for name, _ in rows)
        for name, fact in rows:
            line = Text.assemble(("  " + name.ljust(width + 2), "dim"), (fact, "bold"))
            self._print(line)

    @contextmanager
    def busy(self, text: str) -> Iterator[Elapsed]:
        """Show that something takes its time, and count it: a spinner only in a terminal."""
        elapsed = Elapsed()
        if not self.console.is_terminal:
            self.say(f"  {text} …")
            yield elapsed
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield elapsed

    def _marked(self, mark: str, style: str, text: str) -> None:
        first, *rest = text.split("\n")
        self._print(Text.assemble((mark, style), f" {first}"))
        for line in rest:
            self.say(f"  {line}", "dim")

    def _print(self, line: Text) -> None:
        # rich ends the program when nobody reads any more; a mesh goes on, and rich is silent then
        with contextlib.suppress(SystemExit):
            self.console.print(line, soft_wrap=True)


class Elapsed:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = monotonic()

    def __str__(self) -> str:
        return f"{monotonic() - self._began:.1f} s"
