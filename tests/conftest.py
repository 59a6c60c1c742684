"""Fixtures for every test."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_told_of_where_it_was_made() -> Iterator[None]:
    """Collect what a module's tests left, so that no later test is blamed for it."""
    yield
    gc.collect()
