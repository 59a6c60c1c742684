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


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _Char(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_LIBC = _ctypes.dlopen(None, 2)  # type: ignore[arg-type]  # this process itself


def libc(name: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library.

    Raises:
        OSError: it returned a negative number; the message names the function.
    """
    function = _Function(_ctypes.dlsym(_LIBC, name))
    result: int = function(*[_Long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        code = _ctypes.get_errno()
        called = f"{name}({arguments[0]!r})" if name in ("syscall", "prctl") else name
        raise OSError(code, f"{called}: {posix.strerror(code)}")
    return result


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument."""
    libc("prctl", option, value, 0, 0, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that made it ends."""
    prctl(SET_PDEATHSIG, SIGKILL)


def install_filter(call: int, program: bytes) -> None:
    """Install a seccomp filter in every thread of this process, for good."""
    buffer: Any = type("_Buffer", (_ctypes.Array,), {"_type_": _Char, "_length_": len(program)})
    lines = buffer.from_buffer_copy(program)
    address = _ctypes.addressof(lines)
    header = (len(program) // 8).to_bytes(8, "little") + address.to_bytes(8, "little")
    set_mode_filter, thread_sync = 1, 1
    if libc("syscall", call, set_mode_filter, thread_sync, header):
        raise OSError("seccomp: a thread could not be made to follow the filter")
