"""Runs code that a model wrote, and that nobody trusts, where it can do no harm."""

from __future__ import annotations

from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Outcome
from aimesh.services.sandbox.probing import probe
from aimesh.services.sandbox.sandbox import Sandbox

__all__ = ["Layers", "Limits", "Outcome", "Sandbox", "probe"]
