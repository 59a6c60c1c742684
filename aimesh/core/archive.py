"""The archive's format: one CSV row for each reviewed task."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields

FIELD_LIMIT = 128 << 10  # characters; Python's and other CSV readers refuse longer fields
CUT_MARK = " [cut here]"


@dataclass(frozen=True)
class ArchiveRow:
    """A reviewed task as the archive keeps it. ``completed_at`` is RFC 3339 in UTC."""

    task: str
    solution: str
    review: str
    task_id: str
    success: bool
    attempts: int
    exec_output: str
    model: str
    completed_at: str


HEADER = tuple(item.name for item in fields(ArchiveRow))


def clean(text: str) -> str:
    """The form in which the archive keeps a text.

    A lone surrogate cannot be written in UTF-8, so it is spelled out (``\\udc80``); a field is
    cut, with a mark, where CSV readers at their defaults would refuse the whole file.
    """
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > FIELD_LIMIT:
        text = text[: FIELD_LIMIT - len(CUT_MARK)] + CUT_MARK
    return text


def encoded(values: Sequence[str]) -> bytes:
    """One record by RFC 4180: CR LF at its end, quotes where they are needed."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue().encode("utf-8")


def record(row: ArchiveRow, header: Sequence[str] = HEADER) -> bytes:
    """A row in the order of a file's header; columns that are not ours stay empty."""
    values: dict[str, object] = asdict(row)
    values["success"] = "true" if row.success else "false"
    return encoded([clean(str(values.get(name, ""))) for name in header])


def row_of(header: Sequence[str], values: Sequence[str]) -> ArchiveRow | None:
    """The row that a record holds; None for a record that does not fit the header."""
    if len(values) != len(header):
        return None
    found = dict(zip(header, values, strict=True))
    try:
        attempts = int(found.pop("attempts"))
    except ValueError:
        return None
    success = found.pop("success") == "true"
    texts = {name: found[name] for name in HEADER if name in found}
    return ArchiveRow(**texts, success=success, attempts=attempts)


class Records:
    """Reads whole records from lines of bytes and knows where the last whole one ends.

    A record that is broken off (no line end, or an open quote at the end of the file) is not
    given out and does not count. Iterate once, then look at ``end``.

    Arguments:
        lines: lines with their line ends, such as a binary file gives.
        start: the position of the first line in the file, in bytes.
    """

    def __init__(self, lines: Iterable[bytes], start: int = 0) -> None:
        self.end = start
        self._position = start
        self._lines = iter(lines)
        self._line = b""
        self._exhausted = False

    def __iter__(self) -> Iterator[list[str]]:
        reader = csv.reader(self._decoded())
        while True:
            try:
                values = next(reader, None)
            except csv.Error:  # mangled by someone else: step over it
                values = []
            if values is None or self._exhausted or not self._line.endswith(b"\n"):
                return
            self.end = self._position
            if values:
                yield values

    def _decoded(self) -> Iterator[str]:
        for line in self._lines:
            self._position += len(line)
            self._line = line
            yield line.decode("utf-8", "replace")
        self._exhausted = True
