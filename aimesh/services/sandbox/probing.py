"""Finds out which layers can be had here, by trying them."""

from __future__ import annotations

import os
import select
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import machine
from aimesh.services.sandbox.child_process import Child, read_some
from aimesh.services.sandbox.folders import Workshop, remove
from aimesh.services.sandbox.launching import Launcher
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Report
from aimesh.services.sandbox.reports import read_status
from aimesh.services.sandbox.verdicts import classify

MODES = ("auto", "strict", "unsafe")
_WAY_OUT = "AIMESH_SANDBOX=unsafe runs the code with resource limits alone, on your own risk"
_TRIAL = b"import tempfile, sqlite3, hashlib\ntempfile.TemporaryFile().write(b'x')\n"
_TRIAL_S = 20.0


def probe(mode: str = "auto", scratch: Path | None = None) -> Layers:
    """The layers that runs will have, found by running something harmless in them.

    Takes some tens of milliseconds, the first time; blocks that long.

    Arguments:
        mode: "auto" for the most that can be had; "strict" for Landlock and the system call
            filter without namespaces; "unsafe" for resource limits alone.
        scratch: where the working folders will be; the system's temporary folder when left out.

    Raises:
        SandboxRefusedError: the least allowed set cannot be had; says what is missing.
    """
    if mode not in MODES:
        names = ", ".join(MODES)
        raise SandboxRefusedError(f"AIMESH_SANDBOX={mode!r} is not known; it can be {names}")
    if sys.platform != "linux":
        raise SandboxRefusedError("code is run on Linux only: in a container or a virtual machine")
    if mode == "unsafe":
        return Layers(rlimits=True, missing=("the isolation is switched off by AIMESH_SANDBOX",))
    return _probe(mode, scratch, os.geteuid())


def forget() -> None:
    """Have the next probe look again."""
    _probe.cache_clear()


@cache
def _probe(mode: str, scratch: Path | None, _user: int) -> Layers:
    missing = _missing()
    if missing:
        raise SandboxRefusedError(f"untrusted code is not run here: {missing}. {_WAY_OUT}")
    failed: dict[str, None] = {}
    # one that is given is swept by whoever comes next, should this process be killed
    folder = scratch or Path(tempfile.mkdtemp(prefix="aimesh-sandbox-"))
    workshop = Workshop(folder)
    try:
        for layers in _candidates(mode, workshop.path):
            problem = _try(layers, workshop)
            if not problem:
                return replace(layers, missing=tuple(failed))
            failed[f"{_strongest(layers)} cannot be had ({problem})"] = None
    finally:
        workshop.close()
        if scratch is None:
            remove(folder)
    if not machine.landlock_version():
        failed["Landlock is missing from this kernel, or not among its active modules"] = None
    raise SandboxRefusedError(
        "untrusted code is not run here, for neither Landlock with a system call filter nor "
        f"namespaces with one can be had: {'; '.join(failed)}. {_WAY_OUT}"
    )


def _missing() -> str:
    """What rules out every set of layers, in words."""
    if not machine.architecture():
        return "the sandbox knows the system calls of 64-bit Linux on x86_64 and aarch64 only"
    if not machine.has_seccomp():
        return "this kernel, or what confines this process, has no seccomp filter"
    return ""


def _candidates(mode: str, folder: Path) -> Iterator[Layers]:
    """Sets of layers from the strongest down; none below the least allowed."""
    root = os.geteuid() == 0
    version = machine.landlock_version()
    base = Layers(rlimits=True, isolated=True, seccomp=True, landlock=version)
    if mode == "auto":
        if root:
            yield replace(base, namespaces="root", own_user=True)
            yield replace(base, namespaces="root")
        yield replace(base, namespaces="user")
    if version:
        python = machine.interpreter()
        seen = (*python.library, str(folder))
        if root and all(machine.open_to_all(path) for path in seen):
            yield replace(base, own_user=True)
        yield base


def _strongest(layers: Layers) -> str:
    """The layer for whose sake a set was tried, in words."""
    if layers.namespaces:
        return "namespaces"
    return "a user id of its own" if layers.own_user else "Landlock with a system call filter"


def _try(layers: Layers, workshop: Workshop) -> str:
    """Run something harmless in these layers; the problem in words, if there is one."""
    limits = Limits()
    try:
        started = Launcher(layers, limits, workshop).start(_TRIAL, (), 0)
    except OSError as error:
        return error.strerror or str(error)
    report = _follow(started.child)
    if started.folder:
        remove(started.folder)
    verdict, _, problem = classify(report, limits, 0)
    return "" if verdict == "passed" else report.refused or problem or verdict


def _follow(child: Child) -> Report:
    """Wait for a child without an event loop."""
    report = Report()
    said = {child.output: b"", child.status: b""}
    until = time.monotonic() + _TRIAL_S
    poll = select.poll()
    for fd in (*said, child.pidfd):
        poll.register(fd, select.POLLIN)
    ended = False
    while not ended and time.monotonic() < until:
        ready = {fd for fd, _ in poll.poll(1000)}
        ended = child.pidfd in ready
        for fd in said:
            while piece := read_some(fd):
                said[fd] += piece
    child.kill()
    child.collect()
    report.output = said[child.output]
    read_status(said[child.status], report)
    return report
