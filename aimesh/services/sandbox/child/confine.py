"""Takes away from this process what the untrusted code must not have; there is no way back."""

from __future__ import annotations

import posix
from typing import Any

from aimesh.services.sandbox.child import kernel, namespaces


def confine(job: dict[str, Any]) -> None:
    """Apply every layer but the system call filter, which each process installs for itself.

    Arguments:
        job: what job.py put together; holds no secret.

    Raises:
        OSError: a layer could not be applied; nothing untrusted may run then.
    """
    kernel.die_with_parent()
    if posix.getppid() != job["parent"]:
        raise OSError("the process that asked for this run is gone")
    if job["isolated"]:
        _be_the_first_to_go()
    if job["namespaces"]:
        namespaces.enter(job["namespaces"], job["uid"])
    posix.umask(0o077)
    posix.chdir(job["folder"])
    for resource, limit in job["rlimits"]:
        kernel.libc("setrlimit", resource, limit)
    if job["isolated"]:
        _drop_privileges(job["uid"])
        kernel.prctl(kernel.SET_NO_NEW_PRIVS, 1)
        # the worker may not look into the keeper, though it has the same user and the same rules:
        # Landlock lets links in /proc to open pipes pass
        kernel.prctl(kernel.SET_DUMPABLE, 0)
    # a change of user made the kernel forget it
    kernel.die_with_parent()
    if job["landlock"]:
        _landlock(*job["landlock"])


def _be_the_first_to_go() -> None:
    """When the machine runs out of memory, let it be this process that the kernel ends."""
    try:
        fd = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
    except OSError:  # no /proc here; it was a courtesy only
        return
    posix.write(fd, b"1000")
    posix.close(fd)


def _drop_privileges(uid: int | None) -> None:
    if uid is not None:
        posix.setgroups([])
        posix.setresgid(uid, uid, uid)
        posix.setresuid(uid, uid, uid)
    version = 0x20080522
    none = bytes(24)
    kernel.libc("capset", version.to_bytes(4, "little") + bytes(4), none)


def _landlock(calls: tuple[int, int, int], ruleset: bytes, rules: list[tuple[str, int]]) -> None:
    create, add, restrict = calls
    path_beneath = 1
    fd = kernel.syscall("landlock_create_ruleset", create, ruleset, len(ruleset), 0)
    for path, access in rules:
        try:
            target = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rule = access.to_bytes(8, "little") + target.to_bytes(4, "little")
        kernel.syscall("landlock_add_rule", add, fd, path_beneath, rule, 0)
        posix.close(target)
    kernel.syscall("landlock_restrict_self", restrict, fd, 0)
    posix.close(fd)
