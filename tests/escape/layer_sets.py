"""The sets of layers that the corpus is tried on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Layers, probe

# every one of these must hold every attack
HOLDING = (
    "strict",
    "strict, oldest landlock",
    "namespaces",
    "namespaces, own users",
    "namespaces without landlock",
)
# these do not, and show what each layer is there for
PARTIAL = ("unsafe", "landlock alone", "seccomp alone")
# the least that is needed to tell sets apart, for sets that differ little from another one
WITHOUT_SLOW = ("strict, oldest landlock", "namespaces, own users", "namespaces without landlock")


def layer_set(name: str, scratch: Path) -> Layers:
    """The layers of a set, for the user that runs this.

    Raises:
        SandboxRefusedError: it cannot be had here.
    """
    if name == "unsafe":
        return probe("unsafe")
    strict = probe("strict", scratch)
    if name == "strict":
        return strict
    if name == "strict, oldest landlock":
        return replace(strict, landlock=1)
    if name == "landlock alone":
        return replace(strict, seccomp=False)
    if name == "seccomp alone":
        return replace(strict, landlock=0)
    full = probe("auto", scratch)
    if not full.namespaces:
        raise SandboxRefusedError(f"no namespaces here: {'; '.join(full.missing)}")
    if name == "namespaces":
        return full
    if name == "namespaces without landlock":
        return replace(full, landlock=0)
    if os.geteuid() != 0:
        raise SandboxRefusedError("the same as namespaces for an ordinary user")
    return replace(full, namespaces="user", own_user=False)
