"""Sandboxes for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox import Layers, Limits, Sandbox, probe

# the sets of layers that a user can meet
MODES = ("strict", "auto")
SMALL = Limits(wall_s=30, cpu_s=1, memory=256 << 20, disk=4 << 20, inodes=100, threads=16)


@cache
def _layers(mode: str) -> Layers | str:
    try:
        return probe(mode)
    except SandboxRefusedError as error:
        return str(error)


@asynccontextmanager
async def opened(
    scratch: Path, mode: str = "auto", limits: Limits = SMALL, slots: int = 2
) -> AsyncIterator[Sandbox]:
    """A sandbox for the time of a test, which is skipped where none can be had."""
    layers = _layers(mode)
    if isinstance(layers, str):
        pytest.skip(layers)
    if mode == "auto" and not layers.namespaces:
        pytest.skip(f"no namespaces here: {'; '.join(layers.missing)}")
    sandbox = Sandbox(limits, mode=mode, slots=slots, scratch=scratch, layers=layers)
    try:
        yield sandbox
    finally:
        await sandbox.close()
