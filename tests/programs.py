"""Programs that scripts of the project install for tests, outside of the project."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def installed(name: str, built: str, script: str) -> str:
    """Where a program is; skips the test where there is none.

    Arguments:
        name: of the program; the variable ``NAME_TEST_BINARY`` names another one to be used.
        built: where the script puts it, below the cache's folder.
        script: what installs it.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = os.environ.get(f"{name.upper()}_TEST_BINARY") or str(cache / built)
    found = shutil.which(named) or shutil.which(name)
    return found or pytest.skip(f"there is no {name} here: {script} installs one")
