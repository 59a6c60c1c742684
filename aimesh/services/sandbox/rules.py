"""What the code in the sandbox may ask of the kernel: an allow-list, everything else is refused.

The list was made by asking what CPython's everyday library needs, not what is known to be
dangerous. A call that is not here is answered EPERM; of these, calls that only exist to be tried
first are answered ENOSYS, so that the C library takes its other way.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass


def _names(text: str) -> list[str]:
    return text.split()


PLAIN: tuple[str, ...] = (
    # memory
    *_names("mmap mprotect munmap brk mremap msync"),
    # open files
    *_names("read write close lseek readv writev pread64 pwrite64 preadv pwritev sendfile"),
    *_names("fstat ftruncate fsync fdatasync flock fstatfs close_range"),
    *_names("dup dup2 dup3 pipe getdents getdents64"),
    # names; Landlock decides which
    *_names("access faccessat faccessat2 stat lstat newfstatat statx statfs readlink readlinkat"),
    *_names("getcwd chdir fchdir rename renameat rmdir unlink unlinkat"),
    *_names("link linkat symlink symlinkat creat"),
    # waiting
    *_names("poll ppoll select pselect6 pause nanosleep restart_syscall sched_yield"),
    *_names("epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait"),
    # signals and timers of this process
    *_names("rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait"),
    *_names("rt_sigsuspend sigaltstack getitimer setitimer alarm"),
    # facts about this process and the machine
    *_names("getpid gettid getppid getpgrp getuid geteuid getgid getegid getresuid getresgid"),
    *_names("getgroups getrusage getrlimit times time gettimeofday sysinfo uname getcpu"),
    *_names("getrandom"),
    # threads, and the end
    *_names("set_robust_list rseq exit exit_group wait4 waitid"),
    # the pair of sockets that asyncio wakes itself with
    *_names("shutdown getsockname getpeername getsockopt"),
)


@dataclass(frozen=True)
class Check:
    """A condition on one argument of a call: masked, it is one of some values.

    The lower 32 bits are compared, which is all that the kernel looks at for the arguments checked
    here; ``whole`` demands that the upper ones are zero, for pointers.
    """

    argument: int
    values: tuple[int, ...]
    mask: int | None = None
    whole: bool = False


def one_of(argument: int, *values: int) -> Check:
    """The argument is one of ``values``."""
    return Check(argument, values)


def only_bits(argument: int, bits: int) -> Check:
    """The argument has no bit outside ``bits``."""
    return Check(argument, (0,), mask=~bits & 0xFFFFFFFF)


def without_bits(argument: int, bits: int) -> Check:
    """The argument has none of ``bits``."""
    return Check(argument, (0,), mask=bits)


# stand for process ids that only the process which installs the filter knows
SELF, TARGET = 0x5E1F0001, 0x5E1F0002

_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000
_OWNER_RWX = 0o700
# exactly the flags with which glibc and musl start a thread
_GLIBC_THREAD, _MUSL_THREAD = 0x003D0F00, 0x007D0F00
# wait, wake, requeue, compare-requeue, wake-op, wait-bitset, wake-bitset; none of the
# priority-inheriting ones, which nothing here needs and which had holes before
_FUTEXES = (0, 1, 3, 4, 5, 9, 10)
_FUTEX_FLAGS = 0x80 | 0x100
# duplicate, flags, locks; not F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# not MADV_MERGEABLE (a side channel) and not the ones that poison pages
_ADVICE = (0, 1, 2, 3, 4, 8, 14, 15)
# not MSG_OOB, whose code was exploited from inside other sandboxes
_SEND_FLAGS = 0x2 | 0x40 | 0x4000
# the clocks that everybody shares and this process's own, not other processes' CPU clocks
_CLOCKS = tuple(range(12))
_AF_UNIX, _SOCK_STREAM = 1, 1
_PR_SET_NAME, _PR_GET_NAME = 15, 16
_RENAME_NOREPLACE = 1
_TRUNCATE, _ACCESS_MODE = 0o1000, 0o3
_OPEN_MODES = (0, 1, 2, _TRUNCATE | 1, _TRUNCATE | 2)

CHECKED: dict[str, tuple[Check, ...]] = {
    "clone": (one_of(0, _GLIBC_THREAD, _MUSL_THREAD),),
    "futex": (Check(1, _FUTEXES, mask=~_FUTEX_FLAGS & 0xFFFFFFFF),),
    "clock_gettime": (one_of(0, *_CLOCKS),),
    "clock_getres": (one_of(0, *_CLOCKS),),
    "clock_nanosleep": (one_of(0, *_CLOCKS),),
    # Landlock before its version 3 does not guard truncation, which opening for reading can do;
    # truncate(2) is left out for the same reason
    "open": (Check(1, _OPEN_MODES, mask=_TRUNCATE | _ACCESS_MODE),),
    "openat": (Check(2, _OPEN_MODES, mask=_TRUNCATE | _ACCESS_MODE),),
    # so that the parent can always count and remove what was made
    "mkdir": (Check(1, (_OWNER_RWX,), mask=_OWNER_RWX),),
    "mkdirat": (Check(2, (_OWNER_RWX,), mask=_OWNER_RWX),),
    "umask": (without_bits(0, _OWNER_RWX),),
    "renameat2": (one_of(4, 0, _RENAME_NOREPLACE),),
    "pipe2": (only_bits(1, _CLOEXEC_NONBLOCK),),
    "madvise": (one_of(2, *_ADVICE),),
    "fcntl": (one_of(1, *_FCNTLS),),
    "ioctl": (one_of(1, *_IOCTLS),),
    "prctl": (one_of(0, _PR_SET_NAME, _PR_GET_NAME),),
    "kill": (one_of(0, SELF, TARGET),),
    "tgkill": (one_of(0, SELF),),
    # to read the limits, not to set them
    "prlimit64": (one_of(0, 0, SELF), Check(2, (0,), whole=True)),
    "sched_getaffinity": (one_of(0, 0, SELF),),
    # datagrams could be sent to any socket with a name
    "socketpair": (
        one_of(0, _AF_UNIX),
        Check(1, (_SOCK_STREAM,), mask=~_CLOEXEC_NONBLOCK & 0xFFFFFFFF),
    ),
    "sendto": (only_bits(3, _SEND_FLAGS), Check(4, (0,), whole=True)),
    "recvfrom": (only_bits(3, _SEND_FLAGS),),
}

# a refusal by another word than EPERM, where the C library goes on only after that word
REFUSED_WITH: dict[str, int] = {"madvise": errno.EINVAL}

# 0 pretends success: Landlock cannot guard these, and shutil and zipfile call them in passing
ANSWERED: dict[str, int] = {
    **dict.fromkeys(_names("chmod fchmod fchmodat fchmodat2"), 0),
    **dict.fromkeys(_names("utime utimes futimesat utimensat"), 0),
    **dict.fromkeys(_names("setxattr lsetxattr fsetxattr getxattr lgetxattr"), errno.ENOTSUP),
    **dict.fromkeys(_names("fgetxattr listxattr llistxattr flistxattr"), errno.ENOTSUP),
    **dict.fromkeys(_names("removexattr lremovexattr fremovexattr"), errno.ENOTSUP),
    # could take disk beyond the end of a file, where no limit looks; the C library writes instead
    "fallocate": errno.ENOTSUP,
    **dict.fromkeys(_names("clone3 openat2 copy_file_range preadv2 pwritev2"), errno.ENOSYS),
    **dict.fromkeys(_names("futex_waitv membarrier epoll_pwait2 memfd_create"), errno.ENOSYS),
}
