"""Assembles the sandbox's rules into a seccomp filter (classic BPF), without libseccomp."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from aimesh.services.sandbox import syscalls
from aimesh.services.sandbox.rules import ANSWERED, CHECKED, PLAIN, REFUSED_WITH, Check

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _AT_LEAST = 0x15, 0x35
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16
_FOREIGN = 0x40000000  # x32 calls have this bit


@dataclass(frozen=True)
class _Line:
    code: int
    value: int
    # how many lines to skip when the comparison holds, and when it does not
    yes: int = 0
    no: int = 0

    def packed(self) -> bytes:
        return struct.pack("<HBBI", self.code, self.yes, self.no, self.value & 0xFFFFFFFF)


def build(machine: str) -> bytes:
    """The filter for one machine, with rules.SELF and rules.TARGET still to be replaced.

    Arguments:
        machine: a key of ``syscalls.MACHINES``.
    """
    numbers = syscalls.numbers(machine)
    lines = [
        _Line(_LOAD, _ARCH_AT),
        _Line(_EQUAL, syscalls.MACHINES[machine][1], yes=1),
        _Line(_RETURN, _KILL),
        _Line(_LOAD, _NUMBER_AT),
        _Line(_AT_LEAST, _FOREIGN, no=1),
        _Line(_RETURN, _KILL),
    ]
    for name in PLAIN:
        if name in numbers:
            lines += [_Line(_EQUAL, numbers[name], no=1), _Line(_RETURN, _ALLOW)]
    for name, checks in CHECKED.items():
        if name in numbers:
            lines += _checked(numbers[name], checks, REFUSED_WITH.get(name, _EPERM))
    for name, errno in ANSWERED.items():
        if name in numbers:
            lines += [_Line(_EQUAL, numbers[name], no=1), _Line(_RETURN, _ERRNO | errno)]
    lines += [
        _Line(_AT_LEAST, syscalls.NEWEST + 1, no=1),
        _Line(_RETURN, _ERRNO | _ENOSYS),
        _Line(_RETURN, _ERRNO | _EPERM),
    ]
    return b"".join(line.packed() for line in lines)


def _checked(number: int, checks: Sequence[Check], errno: int) -> list[_Line]:
    """Lines that allow call ``number`` when every check holds, and refuse it otherwise."""
    body: list[_Line] = []
    for check in reversed(checks):
        body = _check(check, len(body)) + body
    # every failing check jumps past the rest to the refusal, right after the permission
    body += [_Line(_RETURN, _ALLOW), _Line(_RETURN, _ERRNO | errno)]
    return [_Line(_EQUAL, number, no=len(body)), *body]


def _check(check: Check, following: int) -> list[_Line]:
    """Lines that fall through when ``check`` holds and else skip ``following`` lines and one."""
    offset = _ARGUMENTS_AT + 8 * check.argument
    lines = [_Line(_LOAD, offset)]
    if check.mask is not None:
        lines.append(_Line(_AND, check.mask))
    # to the refusal: past the upper half's two lines, the following checks, and the permission
    refusal = (2 if check.whole else 0) + following + 1
    for left in range(len(check.values) - 1, -1, -1):
        value = check.values[len(check.values) - 1 - left]
        # one that is equal skips the comparisons that are left, the last one decides
        lines.append(_Line(_EQUAL, value, yes=left, no=0 if left else refusal))
    if check.whole:  # the upper half must be zero as well
        lines += [_Line(_LOAD, offset + 4), _Line(_EQUAL, 0, no=following + 1)]
    return lines
