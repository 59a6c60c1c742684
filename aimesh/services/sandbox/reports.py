"""Reads what the keeper says on the status pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aimesh.services.sandbox.outcome import Report
from aimesh.services.sandbox.output import readable

_HEAD = 5
# the worker's note, the only thing here that the untrusted code can write
_NOTE = re.compile(rb"(memory|other) ([0-9]{1,3}) ([0-3]) (.*)", re.DOTALL)


def read_status(data: bytes, report: Report) -> None:
    """Fill ``report`` with the messages in ``data``, passing over what is cut short or unknown."""
    for kind, text in _messages(data):
        if kind == b"S":
            report.refused = readable(text)
        elif kind == b"R":
            report.ready, report.worker = True, int(text)
        elif kind == b"E" and (found := _NOTE.fullmatch(text)):
            report.memory_error = found[1] == b"memory"
            report.errno, report.full = int(found[2]), int(found[3])
            report.exception = _one_line(found[4])
        elif kind in (b"P", b"F"):
            index, answer, gave = text.split(b" ", 2)
            verb = "raised" if answer == b"X" else "gave"
            report.cases[int(index)] = (kind == b"P", f"{verb} {_one_line(gave) or 'nothing'}")
        elif kind == b"X":
            status, cpu, peak = text.split()
            report.status, report.cpu_s = int(status), float(cpu)
            report.max_rss_bytes = int(peak) * 1024


def _messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while len(data) >= _HEAD:
        end = _HEAD + int.from_bytes(data[1:_HEAD], "little")
        if len(data) < end:
            return
        yield data[:1], data[_HEAD:end]
        data = data[end:]


def _one_line(text: bytes) -> str:
    return " ".join(readable(text).split())
