"""Short messages between the processes of a run: a kind (one byte), a length, and text."""

from __future__ import annotations

import posix

LARGEST = 1 << 20


def send(fd: int, kind: bytes, text: bytes = b"") -> None:
    """Write one message, waiting until there is room."""
    data = kind + len(text).to_bytes(4, "little") + text
    while data:
        data = data[posix.write(fd, data) :]


def receive(fd: int) -> tuple[bytes, bytes]:
    """Read one message, waiting for it; its kind is empty when the other end is closed."""
    head = _exactly(fd, 5)
    if head is None:
        return b"", b""
    length = int.from_bytes(head[1:], "little")
    text = _exactly(fd, length) if length <= LARGEST else None
    return (b"", b"") if text is None else (head[:1], text)


def _exactly(fd: int, length: int) -> bytes | None:
    data = b""
    while len(data) < length:
        more = posix.read(fd, length - len(data))
        if not more:
            return None
        data += more
    return data
