"""Shows how far a download is: a bar in a terminal, plain lines anywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

_LINES = 5


class Cancelled(RuntimeError):
    """The download was given up."""


class Meter:
    """Counts files and bytes over several downloading threads, and can end them all."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.on_change: Callable[[Meter], None] = lambda meter: None
        self.files = self.files_done = 0
        self.bytes = self.bytes_done = 0
        self._lock = threading.Lock()
        self._whole = 0

    def expect(self, files: int, size: int) -> None:
        """Say how many files of how many bytes in all are to come."""
        with self._lock:
            self.files, self.bytes = files, size
            self.on_change(self)

    @contextmanager
    def file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:
        """Count one file while it comes, piece by piece."""
        yield self._piece

    def finished(self, size: int) -> None:
        """Count one whole file, whether or not its pieces were seen."""
        with self._lock:
            self.files_done += 1
            self._whole += size
            self.bytes_done = max(self.bytes_done, self._whole)
            self.on_change(self)

    def check(self) -> None:
        """Raise Cancelled if the download was given up."""
        if self.cancelled.is_set():
            raise Cancelled

    def _piece(self, size: int) -> None:
        self.check()
        with self._lock:
            self.bytes_done = min(self.bytes_done + size, self.bytes)
            self.on_change(self)


@contextmanager
def showing(meter: Meter, title: str, console: Console | None) -> Iterator[None]:
    """Show the meter on a console while the body runs; show nothing without a console."""
    if console is None:
        yield
    elif console.is_terminal:
        with _bar(meter, title, console):
            yield
    else:
        meter.on_change = _lines(title, console)
        yield


@contextmanager
def _bar(meter: Meter, title: str, console: Console) -> Iterator[None]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[files]}"),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, files="")

        def update(meter: Meter) -> None:
            files = f"{meter.files_done}/{meter.files} files"
            progress.update(task, total=meter.bytes, completed=meter.bytes_done, files=files)

        meter.on_change = update
        yield


def _lines(title: str, console: Console) -> Callable[[Meter], None]:
    """Print a line at each fifth of the files."""
    printed = -1

    def update(meter: Meter) -> None:
        nonlocal printed
        share = meter.files_done * _LINES // max(meter.files, 1)
        if share > printed:
            printed = share
            size = f"{meter.bytes_done / 1e6:.0f} of {meter.bytes / 1e6:.0f} MB"
            files = f"{meter.files_done} of {meter.files} files, {size}"
            console.print(f"{title}: {files}", highlight=False, soft_wrap=True)

    return update
