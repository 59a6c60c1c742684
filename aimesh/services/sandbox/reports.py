"""Reads what the keeper says on the status pipe."""

from __future__ import annotations

from collections.abc import Iterator

from aimesh.services.sandbox.outcome import Report
from aimesh.services.sandbox.output import readable

_HEAD = 5


def read_status(data: bytes, report: Report) -> None:
    """Fill ``report`` with the messages in ``data``, passing over what is cut short or unknown."""
    for kind, text in _messages(data):
        words = text.split(b" ", 3)
        if kind == b"S":
            report.refused = readable(text)
        elif kind == b"R":
            report.ready = True
            report.worker = int(text)
        elif kind == b"E" and len(words) == 4:
            report.memory_error = words[0] == b"memory"
            report.errno, report.full = int(words[1]), int(words[2])
            report.exception = _one_line(words[3])
        elif kind in (b"P", b"F"):
            index, answer, gave = text.split(b" ", 2)
            verb = "raised" if answer == b"X" else "gave"
            report.cases[int(index)] = (kind == b"P", f"{verb} {_one_line(gave) or 'nothing'}")
        elif kind == b"X" and len(words) == 3:
            report.status = int(words[0])
            report.cpu_s = float(words[1])
            report.max_rss_bytes = int(words[2]) * 1024


def _messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while len(data) >= _HEAD:
        end = _HEAD + int.from_bytes(data[1:_HEAD], "little")
        if len(data) < end:
            return
        yield data[:1], data[_HEAD:end]
        data = data[end:]


def _one_line(text: bytes) -> str:
    return " ".join(readable(text).split())
