"""AI-Mesh: an event-driven mesh of AI agents over Kafka that can be trusted and understood."""

from __future__ import annotations

from typing import Any

from aimesh.version import __version__

__all__ = ["__version__", "app"]


def __getattr__(name: str) -> Any:
    """Make ``app`` when it is asked for, as ``faust -A aimesh`` does; importing does nothing."""
    if name != "app":
        raise AttributeError(f"module 'aimesh' has no attribute {name!r}")
    from aimesh.commands import register
    from aimesh.commands.failures import told
    from aimesh.settings import Settings

    register()
    with told():
        from aimesh.wiring import create_app

        globals()["app"] = made = create_app(Settings.from_env())
    return made
