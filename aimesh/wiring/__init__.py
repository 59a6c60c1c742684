"""The only place that puts parts together."""

from aimesh.wiring.worker import create_app

__all__ = ["create_app"]
