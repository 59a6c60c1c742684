"""The door to a LiteLLM proxy: its models, their limits, what is used, by its HTTP API alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aimesh.services.json_api import JsonApi

logger = logging.getLogger(__name__)

TIMEOUT = 5.0
MINUTE = timedelta(minutes=1)
Model = dict[str, Any]


class Gateway:
    """Reads a LiteLLM proxy.

    Models and limits come from ``/model_group/info``, what is used within the last minute from
    ``/spend/logs/v2``, and a budget from ``/key/info``. The latter two are there only where the
    proxy has a database; without them what they tell is left out.

    Arguments:
        url: of the proxy, without a path.
        key: to ask it with; empty for none.
    """

    def __init__(self, url: str, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._api = JsonApi(url, TIMEOUT, self._warn, headers)
        self._failed = ""

    async def close(self) -> None:
        """Close connections."""
        await self._api.close()

    async def models(self) -> list[Model]:
        """Return the models as the state lists them; none where the proxy does not answer."""
        groups = await self._api.rows("/model_group/info", "data")
        if not groups:
            return []
        used = _used(await self._spent())
        credits_left = _credits(await self._api.get("/key/info"))
        return [_model(group, used, credits_left) for group in groups if group.get("model_group")]

    async def _spent(self) -> list[dict[str, Any]]:
        end = datetime.now(UTC)
        return await self._api.rows(
            "/spend/logs/v2",
            "data",
            start_date=_stamp(end - MINUTE),
            end_date=_stamp(end),
            page_size="100",
        )

    def _warn(self, path: str, exc: Exception) -> None:
        if self._failed != path:
            logger.warning("the gateway does not answer %s: %s", path, exc)
            self._failed = path


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _used(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]] | None:
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        name = str(row.get("model_group") or row.get("model") or "")
        tokens, calls = found.get(name, (0, 0))
        found[name] = (tokens + int(row.get("total_tokens") or 0), calls + 1)
    return found or None


def _credits(body: Mapping[str, Any]) -> float | None:
    info = body.get("info")
    if not isinstance(info, Mapping):
        return None
    budget, spend = info.get("max_budget"), info.get("spend")
    if not isinstance(budget, int | float) or not isinstance(spend, int | float):
        return None
    return round(max(0.0, budget - spend), 6)


def _model(
    group: Mapping[str, Any], used: Mapping[str, tuple[int, int]] | None, credits_left: float | None
) -> Model:
    name = str(group["model_group"])
    providers = group.get("providers")
    found: Model = {
        "model": name,
        "provider": ", ".join(map(str, providers)) if isinstance(providers, list) else "litellm",
        # no limit is told as 0
        "tpm_max": _number(group.get("tpm")) or 0,
        "rpm_max": _number(group.get("rpm")) or 0,
        "input_context": _number(group.get("max_input_tokens")),
        "output_context": _number(group.get("max_output_tokens")),
        "output_dim": _number(group.get("output_vector_size")),
        **_types(group),
        "credits": credits_left,
        "payment_type": None if credits_left is None else "prepaid",
    }
    if used is not None:
        found["tpm"], found["rpm"] = used.get(name, (0, 0))
    return {key: value for key, value in found.items() if value is not None}


def _number(value: Any) -> int | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return int(value) if known else None


def _types(group: Mapping[str, Any]) -> Model:
    """Return what goes in and comes out, from the model's mode."""
    mode = group.get("mode")
    if mode == "embedding":
        return {"input_types": ["text"], "output_types": ["embedding"]}
    if mode not in ("chat", "completion", "responses"):
        return {}
    seen = ["text"] + (["image"] if group.get("supports_vision") is True else [])
    return {"input_types": seen, "output_types": ["text"]}
