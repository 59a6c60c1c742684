"""Bytes as people read them: offset, hexadecimal digits, printable characters."""

from __future__ import annotations

_WIDTH = 16


def hex_dump(data: bytes, most: int) -> str:
    """Return the beginning of some bytes, 16 a line.

    Arguments:
        data: the bytes.
        most: how many bytes are shown; a last line tells what was left out.
    """
    lines = [_line(at, data[at : at + _WIDTH]) for at in range(0, min(len(data), most), _WIDTH)]
    if len(data) > most:
        lines.append(f"… {len(data) - most} bytes more")
    return "\n".join(lines)


def _line(at: int, part: bytes) -> str:
    digits = part.hex(" ").ljust(3 * _WIDTH - 1)
    text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in part)
    return f"{at:08x}  {digits}  |{text}|"
