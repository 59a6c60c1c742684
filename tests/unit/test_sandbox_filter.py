"""The system call filter decides as its rules say, on every machine that it is made for."""

from __future__ import annotations

import errno
import random
import re
import struct
from functools import cache
from pathlib import Path

import pytest

from aimesh.services.sandbox import seccomp
from aimesh.services.sandbox.rules import (
    ANSWERED,
    CHECKED,
    PLAIN,
    REFUSED_WITH,
    SELF,
    TARGET,
    Check,
)
from aimesh.services.sandbox.syscalls import MACHINES, numbers

_HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM = _ERRNO | errno.EPERM


def _decision(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter answers, by interpreting it as the kernel does."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    arch = MACHINES[machine][1] if arch is None else arch
    data = struct.pack("<IIQ6Q", number, arch, 0, *[word % 2**64 for word in words])
    program = _program(machine)
    at = accumulator = 0
    while True:
        code, yes, no, value = program[at]
        at += 1
        if code == 0x20:
            accumulator = int.from_bytes(data[value : value + 4], "little")
        elif code == 0x54:
            accumulator &= value
        elif code == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value}[code]
            at += yes if holds else no


@cache
def _program(machine: str) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("<HBBI", seccomp.build(machine)))


def _call(machine: str, name: str, *arguments: int) -> int:
    return _decision(machine, numbers(machine)[name], *arguments)


@pytest.fixture(params=sorted(MACHINES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_call_of_the_allow_list_passes(machine: str) -> None:
    known = numbers(machine)
    refused = [n for n in PLAIN if n in known and _decision(machine, known[n]) != _ALLOW]
    assert refused == []


def test_every_number_without_a_rule_is_refused(machine: str) -> None:
    ruled = {numbers(machine).get(name) for name in (*PLAIN, *CHECKED, *ANSWERED)}
    for number in range(600):
        if number not in ruled:
            assert _decision(machine, number, *[2**64 - 1] * 6) in (
                _EPERM,
                _ERRNO | errno.ENOSYS,
            )


def test_calls_of_a_foreign_kind_kill(machine: str) -> None:
    other = {"x86_64": 0x40000003, "aarch64": 0x40000028}[machine]
    assert _decision(machine, 0, arch=other) == _KILL
    assert _decision(machine, 0x40000000) == _KILL
    assert _decision(machine, 0xFFFFFFFF) == _KILL


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("clone", (0x003D0F00,)),
        ("futex", (0, 0x80 | 9)),
        ("clock_gettime", (1,)),
        ("openat", (0, 0, 0o2000000)),
        ("openat", (0, 0, 0o1101)),
        ("mkdirat", (0, 0, 0o777)),
        ("umask", (0o077,)),
        ("pipe2", (0, 0o2004000)),
        ("madvise", (0, 0, 4)),
        ("fcntl", (0, 3)),
        ("ioctl", (0, 0x5401)),
        ("prctl", (15,)),
        ("kill", (SELF,)),
        ("kill", (TARGET,)),
        ("tgkill", (SELF,)),
        ("prlimit64", (0, 7, 0)),
        ("socketpair", (1, 1 | 0o2000000 | 0o4000)),
        ("sendto", (0, 0, 0, 0x4000, 0)),
        ("recvfrom", (0, 0, 0, 2)),
    ],
)
def test_what_programs_need_passes(machine: str, name: str, arguments: tuple[int, ...]) -> None:
    assert _call(machine, name, *arguments) == _ALLOW


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("clone", (17,)),  # a process
        ("clone", (0x003D0F00 | 0x10000000,)),  # a thread in a user namespace of its own
        ("clone", (0x003D0F00 | 0x2000,)),  # CLONE_PTRACE
        ("futex", (0, 6)),  # a lock that inherits priority
        ("futex", (0, 13)),
        ("clock_gettime", (-13_000 % 2**64,)),  # another process's CPU clock
        ("openat", (0, 0, 0o1000)),  # reading that truncates
        ("openat", (0, 0, 0o1003)),
        ("mkdirat", (0, 0, 0o377)),
        ("umask", (0o177,)),
        ("umask", (0o400,)),
        ("renameat2", (0, 0, 0, 0, 4)),  # leaves a device behind
        ("pipe2", (0, 0o200)),  # a pipe of the kernel's notifications
        ("madvise", (0, 0, 12)),
        ("madvise", (0, 0, 100)),
        ("fcntl", (0, 8)),  # F_SETOWN
        ("fcntl", (0, 10)),  # F_SETSIG
        ("fcntl", (0, 1024)),  # F_SETLEASE
        ("fcntl", (0, 1031)),  # F_SETPIPE_SZ
        ("ioctl", (0, 0x5412)),  # TIOCSTI
        ("ioctl", (0, 0x5452)),  # FIOASYNC
        ("prctl", (1,)),
        ("prctl", (38,)),
        ("kill", (1,)),
        ("kill", (-1 % 2**64,)),
        ("kill", (0,)),
        ("tgkill", (TARGET,)),
        ("prlimit64", (0, 7, 0x7FFF00000000)),  # sets
        ("prlimit64", (0, 7, 0x0000000100000000)),
        ("prlimit64", (TARGET, 7, 0)),
        ("socketpair", (1, 2)),  # datagrams
        ("socketpair", (2, 1)),
        ("sendto", (0, 0, 0, 0, 0x7FFF00000000)),  # to somebody
        ("sendto", (0, 0, 0, 0, 0x10)),
        ("sendto", (0, 0, 0, 1, 0)),  # out of band
        ("recvfrom", (0, 0, 0, 1)),
    ],
)
def test_what_nobody_here_needs_is_refused(
    machine: str, name: str, arguments: tuple[int, ...]
) -> None:
    refusal = _ERRNO | REFUSED_WITH.get(name, errno.EPERM)
    assert _call(machine, name, *arguments) == refusal


def test_every_decision_on_arguments_is_what_the_rules_say(machine: str) -> None:
    """Above all for arguments that look like the number of a call that comes next in the filter."""
    chance = random.Random(1)
    known = numbers(machine)
    values = [value for checks in CHECKED.values() for check in checks for value in check.values]
    words = [*known.values(), *values, *(1 << bit for bit in range(64)), 2**64 - 1, 2**32 - 1]
    for name, checks in CHECKED.items():
        for _ in range(150 if name in known else 0):
            arguments = [chance.choice(words) for _ in range(6)]
            for check in chance.sample(checks, chance.randint(0, len(checks))):
                arguments[check.argument] = chance.choice(check.values)
            refusal = _ERRNO | REFUSED_WITH.get(name, errno.EPERM)
            expected = _ALLOW if all(_holds(c, arguments) for c in checks) else refusal
            assert _call(machine, name, *arguments) == expected, (name, arguments)


def _holds(check: Check, arguments: list[int]) -> bool:
    value = arguments[check.argument]
    if check.whole and value >> 32:
        return False
    low = value & 0xFFFFFFFF
    return (low if check.mask is None else low & check.mask) in check.values


def test_answers_are_given_without_doing_anything(machine: str) -> None:
    assert _call(machine, "fchmod") == _ERRNO
    assert _call(machine, "utimensat") == _ERRNO
    assert _call(machine, "fallocate") == _ERRNO | errno.ENOTSUP
    assert _call(machine, "clone3") == _ERRNO | errno.ENOSYS


def test_process_ids_are_only_where_they_are_replaced(machine: str) -> None:
    program = seccomp.build(machine)
    lines = list(struct.iter_unpack("<HBBI", program))
    for placeholder in (SELF, TARGET):
        meant = sum(value == placeholder and code == 0x15 for code, _, _, value in lines)
        assert program.count(struct.pack("<I", placeholder)) == meant > 0


def test_the_filter_is_short_enough_for_the_kernel(machine: str) -> None:
    assert len(seccomp.build(machine)) // 8 < 4096


def test_every_rule_names_a_known_call() -> None:
    known = {name for machine in MACHINES for name in numbers(machine)}
    assert [name for name in (*PLAIN, *CHECKED, *ANSWERED) if name not in known] == []


def test_no_call_has_two_rules() -> None:
    names = [*PLAIN, *CHECKED, *ANSWERED]
    assert len(names) == len(set(names))


def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    header = _HEADERS[machine]
    if not header.exists():
        pytest.skip(f"no {header} here")
    found = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text())
    defined = {{"fstatat": "newfstatat"}.get(name, name): int(value) for name, value in found}
    ours = numbers(machine)
    differing = {n: ours[n] for n in ours if n in defined and ours[n] != defined[n]}
    assert differing == {}
    # newer calls than the installed header has may be missing there
    assert len(ours.keys() & defined.keys()) > 130
