"""User ids for runs, when this process may choose one."""

from __future__ import annotations

import os

# a range that no distribution, login service or container runtime hands out
_FIRST = 1879048192
_PER_PROCESS = 1024


def own_user(slot: int) -> int:
    """An id that belongs to one run at a time.

    Arguments:
        slot: a number below 1024 that no other run of this process has now.
    """
    return _FIRST + os.getpid() % (1 << 16) * _PER_PROCESS + slot % _PER_PROCESS
