"""Which layers stand between the untrusted code and the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Layers:
    """A set of layers. The default is none at all."""

    rlimits: bool = False
    # no new privileges, no capabilities, no core dumps
    isolated: bool = False
    # the version of Landlock that is used, 0 for none
    landlock: int = 0
    seccomp: bool = False
    # "": none; "user": made by an ordinary user; "root": made with root's rights
    namespaces: str = ""
    # every run has a user id that nobody else has (root only)
    own_user: bool = False
    # what is missing and why, for people
    missing: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The layers in force, outermost last."""
        words = {
            "rlimits": self.rlimits,
            "no_new_privs": self.isolated,
            "landlock": self.landlock,
            "seccomp": self.seccomp,
            "namespaces": self.namespaces,
            "own_user": self.own_user,
        }
        return tuple(word for word, there in words.items() if there)

    @property
    def safe(self) -> bool:
        """Whether this is at least the least set that may run untrusted code.

        Namespaces count only together with the filter: they leave a kernel's whole surface open.
        """
        return (
            self.rlimits
            and self.isolated
            and self.seccomp
            and bool(self.landlock or self.namespaces)
        )

    @property
    def counts_threads(self) -> bool:
        """Whether the kernel counts this run's threads alone, and holds it to that number."""
        # nothing limits the machine's root, not even in namespaces of its own
        return self.own_user or (self.namespaces == "user" and os.geteuid() != 0)

    def describe(self) -> str:
        """One sentence for people."""
        words = ", ".join(self.names) or "nothing"
        if self.landlock:
            words = words.replace("landlock", f"landlock (version {self.landlock})")
        text = f"untrusted code is held by {words}"
        if not self.safe:
            text = f"UNSAFE: {text}"
        return text + "".join(f"; {sentence}" for sentence in self.missing)
