"""A worker that is told to stop ends in time, whatever holds it up."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("held_up_by", ["time.sleep(60)", "asyncio.run(asyncio.sleep(60))"])
def test_a_process_that_cannot_stop_is_left_and_says_so(held_up_by: str) -> None:
    code = (
        "import asyncio, logging, time\nlogging.basicConfig()\n"
        f"from aimesh.leaving import leave_within\nleave_within(0.1)\n{held_up_by}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0
    assert "leaving what is open to the next owner" in done.stderr


def test_one_that_stops_by_itself_is_not_held_up() -> None:
    code = "from aimesh.leaving import leave_within; leave_within(60)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert done.returncode == 0
