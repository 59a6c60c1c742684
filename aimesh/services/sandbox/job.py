"""Puts together all that the sandboxed process is told, in one file that exists only in memory."""

from __future__ import annotations
import __future__

import ast
import marshal
import math
import os
import resource
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import CodeType
from typing import Any

from aimesh.services.sandbox import landlock, machine, seccomp, world
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.rules import SELF, TARGET
from aimesh.services.sandbox.syscalls import numbers

_PACKAGE = "aimesh.services.sandbox.child"
# in the order of their imports
_MODULES = (
    "kernel",
    "pipes",
    "filter",
    "namespaces",
    "confine",
    "literals",
    "worker",
    "keeper",
    "main",
)
# loads the modules above from the job, as if they had been imported
BOOTSTRAP = f"""\
import marshal, sys
with open(int(sys.argv[1]), "rb", 65536, closefd=False) as file:
    file.seek(int(sys.argv[2]))
    package = sys.modules["{_PACKAGE}"] = type(sys)("{_PACKAGE}")
    for name, code in marshal.load(file):
        module = sys.modules["{_PACKAGE}." + name] = type(sys)(name)
        setattr(package, name, module)
        exec(code, module.__dict__)
    job = marshal.load(file)
module.main(job)
"""
_LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
_OPEN_FILES = 128
_QUEUED_SIGNALS = 256


@dataclass(frozen=True, kw_only=True)
class Template:
    """What all runs of one sandbox have in common."""

    layers: Layers
    executable: str
    facts: Mapping[str, Any]
    # what Landlock lets the run read, beside its folder
    readable: tuple[tuple[str, int], ...]
    landlock_calls: tuple[int, ...]

    def job(
        self,
        source: bytes,
        cases: Sequence[tuple[str, str]],
        *,
        uid: int | None,
        folder: str,
        status: int,
    ) -> tuple[int, int]:
        """Write the job of one run.

        Arguments:
            source: the untrusted code.
            cases: calls and what is expected of them.
            uid: the user to become, if any.
            folder: the working folder, as the run will see it.
            status: descriptor for the keeper's messages.

        Returns:
            a descriptor, to be closed by the caller, and where the bootstrap starts to read.
        """
        judged = marshal.dumps(list(cases))
        fd = os.memfd_create("job")
        facts = {
            **self.facts,
            "uid": uid,
            "folder": folder,
            "status": status,
            "judged": bool(cases),
            "landlock": self._landlock(folder),
            "file": fd,
            "source": (0, len(source)),
            "cases": (len(source), len(judged)),
            "parent": os.getpid(),
        }
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(source + judged + _bytecode() + marshal.dumps(facts))
        except BaseException:
            os.close(fd)
            raise
        return fd, len(source) + len(judged)

    def _landlock(self, folder: str) -> object:
        version = self.layers.landlock
        if not version:
            return None
        rules = [*self.readable, landlock.keeping(version, folder)]
        return self.landlock_calls, landlock.ruleset(version), rules


def template(layers: Layers, limits: Limits, root: str) -> Template:
    """Work out what is the same for every run.

    Arguments:
        root: an empty folder on which the namespaces' own root is mounted.
    """
    python = machine.interpreter()
    name = machine.architecture()
    calls = numbers(name) if name else {}
    readable = ("/", *machine.DEVICES) if layers.namespaces else python.library + machine.DEVICES
    return Template(
        layers=layers,
        executable=python.executable,
        readable=tuple(landlock.reading(layers.landlock, readable)) if layers.landlock else (),
        landlock_calls=tuple(calls[call] for call in _LANDLOCK) if layers.landlock else (),
        facts={
            "isolated": layers.isolated,
            # without namespaces the parent has to be able to look at what the worker has written
            "open": not layers.namespaces,
            "rlimits": _rlimits(layers, limits) if layers.rlimits else [],
            "namespaces": world.plan(layers, limits, python, root) if layers.namespaces else None,
            "filter": _filter(calls) if layers.seccomp else None,
        },
    )


def _rlimits(layers: Layers, limits: Limits) -> list[tuple[int, bytes]]:
    wanted = {
        resource.RLIMIT_CPU: math.ceil(limits.cpu_s),
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_FSIZE: limits.disk,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_SIGPENDING: _QUEUED_SIGNALS,
        # the one value for which the kernel starts no program that collects crashes either
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    if layers.counts_threads:
        keeper = 1
        wanted[resource.RLIMIT_NPROC] = limits.threads + keeper
    return [(number, struct.pack("<QQ", value, value)) for number, value in wanted.items()]


def _filter(calls: Mapping[str, int]) -> tuple[int, bytes, tuple[bytes, bytes]]:
    program = seccomp.build(machine.architecture())
    return calls["seccomp"], program, (SELF.to_bytes(4, "little"), TARGET.to_bytes(4, "little"))


@cache
def _bytecode() -> bytes:
    folder = resources.files(_PACKAGE)
    modules = [
        (name, _compiled(name, folder.joinpath(f"{name}.py").read_bytes())) for name in _MODULES
    ]
    return marshal.dumps(modules)


def _compiled(name: str, source: bytes) -> CodeType:
    """Compile a module without the imports that only a type checker needs.

    They would cost more than all the rest of a run.
    """
    tree = ast.parse(source)
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.ImportFrom) and node.module in ("__future__", "typing"))
    ]
    flags = __future__.annotations.compiler_flag
    code: CodeType = compile(tree, name, "exec", flags, dont_inherit=True, optimize=2)
    return code
