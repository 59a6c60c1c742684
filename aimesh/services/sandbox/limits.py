"""How much a run in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

from aimesh.errors import SettingsError
from aimesh.settings import Settings

# below these the interpreter itself does not start
_LEAST = {
    "timeout": 0.1,
    "cpu": 0.1,
    "memory": 64 << 20,
    "output": 1,
    "disk": 4096,
    "inodes": 1,
    "threads": 1,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use. Times are seconds, sizes bytes."""

    wall_s: float = 10
    # the kernel counts whole seconds: a fraction is rounded up
    cpu_s: float = 5
    # address space, so what a program asks for rather than what it touches
    memory: int = 512 << 20
    output: int = 64 << 10
    disk: int = 32 << 20
    inodes: int = 1000
    threads: int = 64

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """The limits that the settings name.

        Raises:
            SettingsError: one is so low that not even an empty program could run.
        """
        for name, least in _LEAST.items():
            value = getattr(settings, f"sandbox_{name}")
            if value < least:
                variable = f"AIMESH_SANDBOX_{name.upper()}"
                raise SettingsError(f"{variable}={value} cannot be used: the least is {least}")
        return cls(
            wall_s=settings.sandbox_timeout,
            cpu_s=settings.sandbox_cpu,
            memory=settings.sandbox_memory,
            output=settings.sandbox_output,
            disk=settings.sandbox_disk,
            inodes=settings.sandbox_inodes,
            threads=settings.sandbox_threads,
        )
