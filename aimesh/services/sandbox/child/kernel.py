"""Calls into the kernel that Python has no function for.

Uses the extension module below ``ctypes``: importing ``ctypes`` itself takes 3 ms, a third of what
a whole run costs.
"""

from __future__ import annotations

import _ctypes
import posix
from typing import Any

SET_PDEATHSIG = 1
SET_DUMPABLE = 4
SET_NO_NEW_PRIVS = 38
SIGKILL = 9
PAGE = 4096


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _Char(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "c"


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _IntFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Int


class _LongFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_LIBC = _ctypes.dlopen(None, 2)  # type: ignore[arg-type]  # this process itself


def libc(name: str, *arguments: Any) -> int:
    """Call a function of the C library that returns an int.

    Arguments:
        name: the function.
        arguments: numbers, bytes, buffers, and None for a null pointer.

    Raises:
        OSError: it returned a negative number; the message names the function.
    """
    return _checked(_IntFunction(_ctypes.dlsym(_LIBC, name)), name, arguments)


def syscall(name: str, number: int, *arguments: Any) -> int:
    """Make a system call that the C library has no function for.

    Raises:
        OSError: it failed; the message has ``name`` in it.
    """
    function = _LongFunction(_ctypes.dlsym(_LIBC, "syscall"))
    return _checked(function, name, (number, *arguments))


def _checked(function: Any, name: str, arguments: tuple[Any, ...]) -> int:
    result: int = function(*[_Long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        code = _ctypes.get_errno()
        raise OSError(code, f"{name}: {posix.strerror(code)}")
    return result


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument.

    Raises:
        OSError: the kernel refused.
    """
    libc("prctl", option, value, 0, 0, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that made it ends."""
    prctl(SET_PDEATHSIG, SIGKILL)


def install_filter(call: int, program: bytes) -> None:
    """Install a seccomp filter in every thread of this process, for good."""
    lines = _buffer(program)
    address = _ctypes.addressof(lines)
    header = (len(program) // 8).to_bytes(8, "little") + address.to_bytes(8, "little")
    set_mode_filter, thread_sync = 1, 1
    if syscall("seccomp", call, set_mode_filter, thread_sync, header):
        raise OSError("seccomp: a thread could not be made to follow the filter")


def wait(pid: int) -> tuple[int, float, int]:
    """Wait for a child of this process: its wait status, CPU seconds, and peak memory in KB.

    ``posix.wait4`` would load an extension module from disk for its result.
    """
    status, usage = _buffer(bytes(4)), _buffer(bytes(144))
    while True:
        try:
            libc("wait4", pid, status, 0, usage)
            break
        except InterruptedError:  # the signal's handler has run by now
            continue
    words = [int.from_bytes(bytes(usage)[at : at + 8], "little") for at in range(0, 40, 8)]
    user_s, user_us, system_s, system_us, peak = words
    cpu = user_s + system_s + (user_us + system_us) / 1e6
    return int.from_bytes(bytes(status), "little"), cpu, peak


def shared_page() -> Any:
    """A page of memory that this process and the ones that it makes all see."""
    read_write, shared_anonymous = 3, 0x21
    function = _LongFunction(_ctypes.dlsym(_LIBC, "mmap"))
    arguments = (None, PAGE, read_write, shared_anonymous, -1, 0)
    return _array(PAGE).from_address(_checked(function, "mmap", arguments))


def _buffer(data: bytes) -> Any:
    return _array(len(data)).from_buffer_copy(data)


def _array(length: int) -> Any:
    return type("_Buffer", (_ctypes.Array,), {"_type_": _Char, "_length_": length})
