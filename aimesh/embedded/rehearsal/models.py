"""The models that the rehearsal server pretends to have, as Ollama lists and shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aimesh.embedded.rehearsal.wire import RefusedError
from aimesh.version import __version__

# what the API is modelled on; the suffix tells that this is not Ollama
VERSION = "0.9.6-rehearsal"
FAMILY = "rehearsal"
_MADE = "2025-07-01T00:00:00Z"


@dataclass(frozen=True)
class Model:
    """A model by name, either one that answers or one that embeds."""

    name: str
    embeds: bool

    @property
    def details(self) -> dict[str, Any]:
        """What the model is made of: a script, and that is said."""
        return {
            "parent_model": "",
            "format": "script",
            "family": FAMILY,
            "families": [FAMILY],
            "parameter_size": "0",
            "quantization_level": "none",
        }

    def listed(self) -> dict[str, Any]:
        """The model as ``/api/tags`` lists it."""
        digest = hashlib.sha256(f"{FAMILY}:{self.name}:{__version__}".encode()).hexdigest()
        return {
            "name": full_name(self.name),
            "model": full_name(self.name),
            "modified_at": _MADE,
            "size": 0,
            "digest": digest,
            "details": self.details,
        }

    def running(self) -> dict[str, Any]:
        """The model as ``/api/ps`` lists it."""
        listed = self.listed()
        del listed["modified_at"]
        expires = datetime.now(UTC) + timedelta(minutes=5)
        return listed | {"expires_at": expires.isoformat().replace("+00:00", "Z"), "size_vram": 0}

    def shown(self, size: int) -> dict[str, Any]:
        """The model as ``/api/show`` describes it; ``size`` is that of its embeddings."""
        return {
            "modelfile": "# AI-Mesh's rehearsal: scripted answers, no model",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": self.details,
            "model_info": {
                "general.architecture": FAMILY,
                "general.parameter_count": 0,
                f"{FAMILY}.context_length": 32768,
                f"{FAMILY}.embedding_length": size,
            },
            "capabilities": ["embedding"] if self.embeds else ["completion"],
            "modified_at": _MADE,
        }


def full_name(name: str) -> str:
    """A model's name with its tag: ``gemma`` is ``gemma:latest``."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def find(models: Sequence[Model], name: str, message: str) -> Model:
    """The model of a name, with or without its tag.

    Raises:
        RefusedError: there is none; with status 404 and ``message``.
    """
    for model in models:
        if full_name(model.name).lower() == full_name(name).lower():
            return model
    raise RefusedError(404, message)
