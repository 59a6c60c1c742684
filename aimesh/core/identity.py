"""Names for what came without one."""

from __future__ import annotations


def derived_id(topic: str, partition: int | str, offset: int | str) -> str:
    """Return a task's id made from its place in the log: a redelivery gets the same."""
    return f"x-{topic}-{partition}-{offset}"
