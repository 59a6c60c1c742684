"""How much a run in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

from aimesh.settings import Settings


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
        """The limits that the settings name."""
        return cls(
            wall_s=settings.sandbox_timeout,
            cpu_s=settings.sandbox_cpu,
            memory=settings.sandbox_memory,
            output=settings.sandbox_output,
            disk=settings.sandbox_disk,
            inodes=settings.sandbox_inodes,
            threads=settings.sandbox_threads,
        )
