"""The sandbox holds inside a container without capabilities, where namespaces are forbidden."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[2] / "scripts" / "sandbox_in_container.sh"


def test_every_attack_is_held_inside_a_container_without_rights() -> None:
    ready = subprocess.run([_SCRIPT, "ready"], capture_output=True, text=True, check=False)
    if ready.returncode:
        pytest.skip(ready.stdout.strip())
    done = subprocess.run([_SCRIPT, "run", "strict"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # as root and as another user
    assert done.stdout.count("layers: rlimits, no_new_privs, landlock, seccomp") == 2
