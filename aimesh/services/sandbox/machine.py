"""What this machine is and where its Python keeps what a program needs."""

from __future__ import annotations

import ctypes
import os
import platform
import stat
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aimesh.services.sandbox.syscalls import MACHINES, numbers

DEVICES = ("/dev/zero", "/dev/random", "/dev/urandom")
_SYSTEM = ("/usr/lib", "/lib", "/usr/lib64", "/lib64", "/usr/share/zoneinfo")
_FILES = ("/etc/ld.so.cache", "/etc/localtime")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The Python that runs the code, and what of the file system it needs to see."""

    executable: str
    # the standard library, and folders with shared libraries
    library: tuple[str, ...]
    # folders of installed packages inside the library, not for the sandbox
    packages: tuple[str, ...]


def interpreter() -> Interpreter:
    """The base interpreter of the one that runs now, without any virtual environment."""
    executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    standard = sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})
    shared = sysconfig.get_path("platstdlib", vars={"platbase": sys.base_prefix})
    wanted = [os.path.realpath(path) for path in (standard, shared)]
    if os.path.isdir(f"{sys.base_prefix}/conda-meta"):  # brings its own shared libraries
        wanted.append(os.path.realpath(f"{sys.base_prefix}/lib"))
    wanted += _SYSTEM + _FILES
    library = [path for path in dict.fromkeys(wanted) if os.path.exists(path)]
    names = ("site-packages", "dist-packages")
    packages = [f"{path}/{name}" for path in library for name in names]
    return Interpreter(
        executable=executable,
        library=tuple(library),
        packages=tuple(path for path in packages if os.path.isdir(path)),
    )


def open_to_all(path: str) -> bool:
    """Whether a user without rights could reach ``path`` through all the folders above it."""
    return all(
        os.stat(folder).st_mode & stat.S_IXOTH for folder in Path(os.path.realpath(path)).parents
    )


@cache
def architecture() -> str:
    """The machine's name if its system calls are known, else the empty string."""
    name = platform.machine()
    known = sys.platform == "linux" and name in MACHINES and sys.maxsize > 2**32
    return name if known else ""


@cache
def landlock_version() -> int:
    """Landlock's ABI version in this kernel; 0 where it is missing or switched off."""
    return max(0, _call("landlock_create_ruleset", None, 0, 1))


@cache
def has_seccomp() -> bool:
    """Whether this kernel can filter system calls and kill a process for one."""
    get_action_available, kill_process = 2, ctypes.c_uint32(0x80000000)
    return _call("seccomp", get_action_available, 0, ctypes.byref(kill_process)) == 0


def _call(name: str, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(libc.syscall(ctypes.c_long(numbers(architecture())[name]), *words))
