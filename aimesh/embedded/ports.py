"""Ports on this machine's loopback interface."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Container
from contextlib import ExitStack

# who was given a port may not listen on it yet; the kernel would give it to the next one as well
_given: deque[int] = deque(maxlen=1000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on that port now."""
    with socket.socket(_family(host)) as probe:
        # as servers do: connections of a server that has ended do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1", *, avoid: Container[int] = ()) -> int:
    """A port that was free just now, and is none of the last that this process was given.

    Arguments:
        host: the address on which a server is to listen.
        avoid: ports that are promised to others, who may not listen on them yet.
    """
    with ExitStack() as refused:
        while True:
            # held until one fits, so that the same is not drawn again
            probe = refused.enter_context(socket.socket(_family(host)))
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
            if port not in _given and port not in avoid:
                _given.append(port)
                return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
