"""The models that there are: a gateway's, and those of the model server itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aimesh.core.diagnosis.facts import Limit
from aimesh.services.gateway import Gateway
from aimesh.services.json_api import JsonApi
from aimesh.services.kept import Kept

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
MOST_MODELS = 50
Model = dict[str, Any]


class ModelList:
    """Knows the models of a gateway and of Ollama.

    Arguments:
        ollama: the address of the model server.
        gateway: a LiteLLM proxy; None where there is none.
    """

    def __init__(self, ollama: str, gateway: Gateway | None) -> None:
        # of its own, so that a state that is asked for never waits behind work
        self._api = JsonApi(ollama, TIMEOUT, _note)
        self._gateway = gateway
        self._kept: Kept[list[Model]] = Kept(self._ask, [], patience=1.0)

    async def refresh(self) -> None:
        """See to it that what is known is not too old."""
        await self._kept.refresh()

    def models(self) -> Sequence[Mapping[str, Any]]:
        """Return the models as the state lists them."""
        return self._kept.value

    def limits(self) -> tuple[Limit, ...]:
        """Return what is used of what a gateway allows."""
        return tuple(
            Limit(model=str(m["model"]), what=what, used=m[what], allowed=m[f"{what}_max"])
            for m in self._kept.value
            for what in ("tpm", "rpm")
            if m.get(what) is not None and m[f"{what}_max"]
        )

    async def close(self) -> None:
        """Close connections."""
        await self._kept.close()
        await self._api.close()
        if self._gateway is not None:
            await self._gateway.close()

    async def _ask(self) -> list[Model]:
        own, of_gateway = await asyncio.gather(self._own(), self._of_gateway())
        return [*of_gateway, *own]

    async def _of_gateway(self) -> list[Model]:
        return [] if self._gateway is None else await self._gateway.models()

    async def _own(self) -> list[Model]:
        """Return Ollama's models: those that it has, with what its ``show`` tells of each."""
        listed = await self._api.rows("/api/tags", "models")
        names = [str(m["name"]) for m in listed if m.get("name")][:MOST_MODELS]
        details = await asyncio.gather(*map(self._details, names))
        return [_model(name, told) for name, told in zip(names, details, strict=True)]

    async def _details(self, name: str) -> dict[str, Any]:
        return await self._api.post("/api/show", {"model": name})


def _note(path: str, exc: Exception) -> None:
    logger.debug("the model server does not answer %s: %s", path, exc)


def _model(name: str, details: Mapping[str, Any]) -> Model:
    info = details.get("model_info")
    info = info if isinstance(info, Mapping) else {}
    abilities = details.get("capabilities")
    abilities = abilities if isinstance(abilities, list) else []
    context = _found(info, ".context_length")
    found: Model = {
        "model": name,
        "provider": "ollama",
        # a server of one's own has no limits but its machine's
        "tpm_max": 0,
        "rpm_max": 0,
        "payment_type": "free",
        "input_context": context,
    }
    if "embedding" in abilities:
        found |= {"input_types": ["text"], "output_types": ["embedding"],
                  "output_dim": _found(info, ".embedding_length")}  # fmt: skip
    elif "completion" in abilities:
        seen = ["text"] + (["image"] if "vision" in abilities else [])
        found |= {"output_context": context, "input_types": seen, "output_types": ["text"]}
    return {key: value for key, value in found.items() if value is not None}


def _found(info: Mapping[str, Any], end: str) -> int | None:
    for key, value in info.items():
        if str(key).endswith(end) and type(value) is int:
            return value
    return None
